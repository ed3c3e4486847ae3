/** Pausing the list, which the pill in the page's head tells as well. A pause ends with the page. Gives what pauses and resumes. */

import { onUnmounted, watchEffect } from "vue";
import { paused, pausedCount } from "../../live/paused";

export function usePause(waiting: () => number): () => void {
  watchEffect(() => (pausedCount.value = waiting()));
  onUnmounted(() => {
    paused.value = false;
    pausedCount.value = null;
  });
  return () => void (paused.value = !paused.value);
}
