/** Pauses the list; the pill in the page header also shows the pause. Leaving the page ends the pause. */

import { watchEffect } from "vue";
import { whileShown } from "../../components/whileShown";
import { paused, pausedCount } from "../../live/paused";

/** Returns a function that toggles the pause. */
export function usePause(waiting: () => number): () => void {
  whileShown(() => {
    const stop = watchEffect(() => (pausedCount.value = waiting()));
    return () => {
      stop();
      paused.value = false;
      pausedCount.value = null;
    };
  });
  return () => void (paused.value = !paused.value);
}
