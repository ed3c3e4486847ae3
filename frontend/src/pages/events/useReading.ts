/** Whether somebody reads the list, so that it must hold still. */

import { computed, onUnmounted, ref } from "vue";

/** Further down than this, the reader is reading. */
const READING = 40;

/** `opened` says whether an event is looked at beside the list. */
export function useReading(opened: () => boolean) {
  const scrolled = ref(scrollY > READING);
  /** Pointing at a row, or having the focus in one. */
  const atRow = ref(false);
  const look = (): void => void (scrolled.value = scrollY > READING);
  addEventListener("scroll", look, { passive: true });
  onUnmounted(() => removeEventListener("scroll", look));
  return { atRow, isReading: computed(() => scrolled.value || atRow.value || opened()) };
}
