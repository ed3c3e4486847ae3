/** Pauses the list; the pill in the page header also shows the pause. Leaving the page ends the pause. */

import { onUnmounted, watchEffect } from "vue";
import { paused, pausedCount } from "../../live/paused";

/** Returns a function that toggles the pause. */
export function usePause(waiting: () => number): () => void {
  watchEffect(() => (pausedCount.value = waiting()));
  onUnmounted(() => {
    paused.value = false;
    pausedCount.value = null;
  });
  return () => void (paused.value = !paused.value);
}
