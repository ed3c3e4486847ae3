/** Whether the user is reading the list, so that it must not move. */

import { computed, nextTick, ref } from "vue";
import { whileShown } from "../../components/whileShown";

/** Scrolling down further than this, in pixels, counts as reading. */
const READING = 40;

/** `isOpen` returns whether an event is open beside the list. */
export function useReading(isOpen: () => boolean) {
  const scrolled = ref(scrollY > READING);
  /** Whether a row is hovered or focused. */
  const rowActive = ref(false);
  const updateScrolled = (): void => void (scrolled.value = scrollY > READING);
  whileShown(() => {
    addEventListener("scroll", updateScrolled, { passive: true });
    // The router restores the place on the page first.
    void nextTick().then(nextTick).then(updateScrolled);
    return () => removeEventListener("scroll", updateScrolled);
  });
  return { rowActive, isReading: computed(() => scrolled.value || rowActive.value || isOpen()) };
}
