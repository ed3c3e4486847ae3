import { type MultiWatchSources, watch } from "vue";

/**
 * Keeps the table that was jumped to, which has the focus, at its place on the screen when `content` changes. The tables
 * stand in columns that each change balances anew, which the browser's own scroll anchoring does not follow.
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
