import { type MultiWatchSources, watch } from "vue";

/**
 * Keeps the focused table in place on the screen when `content` changes. Each change rebalances the columns that hold the
 * tables, and the browser's scroll anchoring does not follow that.
 */
export function useSteadySection(content: MultiWatchSources): void {
  let section: Element | null = null;
  let top = 0;
  const topOf = (element: Element): number => element.getBoundingClientRect().top;

  watch(content, () => {
    section = document.activeElement?.closest("section[id]") ?? null;
    if (section) top = topOf(section);
  });
  watch(
    content,
    () => {
      if (section && top >= 0 && top < window.innerHeight) window.scrollBy(0, topOf(section) - top);
    },
    { flush: "post" },
  );
}
