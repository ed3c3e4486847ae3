/** Which rows of a long list are near the screen. All rows are equally high, so this is arithmetic alone. */

import { onMounted, onUnmounted, type Ref, shallowRef, watch } from "vue";

export interface Span {
  readonly first: number;
  /** The one after the last. */
  readonly end: number;
}

/** So many rows are there beyond each edge, for the next turn of the wheel. */
const BEYOND = 6;

/** The rows between `above` pixels of the list that are scrolled away and `above + screen`. */
export function spanOf(above: number, screen: number, height: number, count: number): Span {
  const first = Math.min(Math.max(0, Math.floor(above / height) - BEYOND), count);
  const end = Math.min(Math.max(first, Math.ceil((above + screen) / height) + BEYOND), count);
  return { first, end };
}

/** Follows the window's scrolling; `body` holds the rows and nothing else. */
export function useWindowRows(body: Ref<HTMLElement | null>, count: () => number, height: () => number) {
  const span = shallowRef<Span>({ first: 0, end: 0 });

  function look(): void {
    const above = -(body.value?.getBoundingClientRect().top ?? 0);
    const next = spanOf(above, innerHeight, height(), count());
    if (next.first !== span.value.first || next.end !== span.value.end) span.value = next;
  }

  // What stands above the list may grow or shrink without any scrolling.
  const observer = new ResizeObserver(look);
  watch([count, height], look, { flush: "post" });
  onMounted(() => {
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    observer.observe(document.body);
    look();
  });
  onUnmounted(() => {
    removeEventListener("scroll", look);
    removeEventListener("resize", look);
    observer.disconnect();
  });

  /** Scrolls as little as shows the row between what covers the window's edges. */
  function reveal(index: number, coveredAbove: number, coveredBelow: number): void {
    const top = (body.value?.getBoundingClientRect().top ?? 0) + index * height();
    const under = top + height() - (innerHeight - coveredBelow);
    if (top < coveredAbove) scrollBy({ top: top - coveredAbove });
    else if (under > 0) scrollBy({ top: under });
    look();
  }

  return { span, reveal };
}
