/** Computes which rows of a long list are near the viewport. All rows have the same height. */

import { type Ref, shallowRef, watch } from "vue";
import { whileShown } from "../../components/whileShown";

export interface Span {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/** Rows rendered beyond each edge, ready for the next scroll step. */
const OVERSCAN = 6;

/** The rows between the list offsets `top` and `top + viewport`, in pixels. */
export function spanOf(top: number, viewport: number, height: number, count: number): Span {
  const first = Math.min(Math.max(0, Math.floor(top / height) - OVERSCAN), count);
  const end = Math.min(Math.max(first, Math.ceil((top + viewport) / height) + OVERSCAN), count);
  return { first, end };
}

/** Tracks window scrolling. `body` must contain only the rows. */
export function useWindowRows(body: Ref<HTMLElement | null>, count: () => number, height: () => number) {
  const span = shallowRef<Span>({ first: 0, end: 0 });

  function update(): void {
    const scrolled = -(body.value?.getBoundingClientRect().top ?? 0);
    const next = spanOf(scrolled, innerHeight, height(), count());
    if (next.first !== span.value.first || next.end !== span.value.end) span.value = next;
  }

  // Content above the list may change its height without scrolling.
  const observer = new ResizeObserver(update);
  watch([count, height], update, { flush: "post" });
  whileShown(() => {
    addEventListener("scroll", update, { passive: true });
    addEventListener("resize", update);
    observer.observe(document.body);
    update();
    return () => {
      removeEventListener("scroll", update);
      removeEventListener("resize", update);
      observer.disconnect();
    };
  });

  /** Scrolls the minimum needed to show the row between the covered edges of the window, in pixels. */
  function reveal(index: number, coveredAbove: number, coveredBelow: number): void {
    const top = (body.value?.getBoundingClientRect().top ?? 0) + index * height();
    const overflow = top + height() - (innerHeight - coveredBelow);
    if (top < coveredAbove) scrollBy({ top: top - coveredAbove });
    else if (overflow > 0) scrollBy({ top: overflow });
    update();
  }

  return { span, reveal };
}
