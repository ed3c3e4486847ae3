/** Pausing of the list, also shown by the pill in the page header. Leaving the page ends the pause. */

import { onUnmounted, watchEffect } from "vue";
import { paused, waitingNow } from "../../live/paused";

/** Returns a function that toggles the pause. */
export function usePause(waiting: () => number): () => void {
  watchEffect(() => (waitingNow.value = waiting()));
  onUnmounted(() => {
    paused.value = false;
    waitingNow.value = null;
  });
  return () => void (paused.value = !paused.value);
}
