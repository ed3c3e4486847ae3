/** The chart above the list: fetched as a whole, counted on with what comes live, and fetched again when time has moved on. */

import { onUnmounted, shallowReadonly, shallowRef, watch } from "vue";
import { getHistogram } from "../../api/events";
import type { Filter, Histogram, MailEvent } from "../../api/types";
import { useFetched } from "../../api/useFetched";
import { listen } from "../../live/feed";
import { withEvents } from "./histogram";

const BUCKETS = 96;
/** In a burst, what came is counted so often. */
const COUNT_EVERY = 500;
/** However much happens, it is not fetched more often than this. */
const FETCH_EVERY = 10_000;

/** While `paused`, it stays as it is. */
export function useHistogram(filter: () => Filter, paused: () => boolean) {
  const { value: fetched, problem, refresh } = useFetched(() => getHistogram(filter(), BUCKETS));
  const chart = shallowRef<Histogram | null>(null);
  let came: MailEvent[] = [];
  let counting: ReturnType<typeof setTimeout> | undefined;
  let fetching: ReturnType<typeof setTimeout> | undefined;
  let fetchedAt = Date.now();

  function fetchSoon(): void {
    fetching ??= setTimeout(fetchNow, Math.max(0, fetchedAt + FETCH_EVERY - Date.now()));
  }

  function fetchNow(): void {
    clearTimeout(fetching);
    fetching = undefined;
    fetchedAt = Date.now();
    came = [];
    void refresh();
  }

  function count(): void {
    counting = undefined;
    if (chart.value === null || came.length === 0) return;
    const counted = withEvents(chart.value, came);
    came = [];
    chart.value = counted.chart;
    if (!counted.fits) fetchSoon();
  }

  const stop = listen({
    events(items) {
      if (paused()) return;
      came.push(...items);
      counting ??= setTimeout(count, COUNT_EVERY);
    },
    refetch: fetchSoon,
  });
  watch(fetched, (now) => (chart.value = now));
  watch(filter, () => {
    chart.value = null;
    fetchNow();
  });
  watch(paused, (is) => void (is || fetchNow()));
  onUnmounted(() => {
    stop();
    clearTimeout(counting);
    clearTimeout(fetching);
  });
  return { chart: shallowReadonly(chart), problem, refresh: fetchNow };
}
