/** The chart above the list: fetched as a whole, updated with live events, and refetched when events extend beyond its end. */

import { onUnmounted, shallowReadonly, shallowRef, watch } from "vue";
import { getHistogram } from "../../api/events";
import type { Filter, Histogram, MailEvent } from "../../api/types";
import { useFetched } from "../../api/useFetched";
import { whileShown } from "../../components/whileShown";
import { listen } from "../../live/feed";
import { addEvents, countsOf } from "./histogram";
import { describeRange } from "./range";

const BUCKETS = 96;
/** The time that is charted if the last day, which the server charts by default, has no events, in milliseconds. */
const LONG = 30 * 86_400_000;

/**
 * Counts the events since the chosen time. Without one, the server counts all events if they are few, and else those of the last day; if that has none of the
 * shown kinds, those of the last 30 days are counted.
 */
export async function fetchChart(filter: Filter, isShown: (kind: string) => boolean): Promise<Histogram> {
  const chart = await getHistogram(filter, BUCKETS);
  if (filter["from"] !== undefined || chart.is_complete || Object.keys(countsOf(chart)).some(isShown)) return chart;
  const to = Date.parse(`${filter["to"] as string}`);
  return getHistogram({ ...filter, from: new Date((to || Date.now()) - LONG).toISOString() }, BUCKETS);
}

export function hasTime(filter: Filter): boolean {
  return filter["from"] !== undefined || filter["to"] !== undefined;
}

/** The time that a chart covers, in words. */
export function describeCharted(filter: Filter, chart: Histogram | null): string {
  if (chart?.is_complete !== false || filter["from"] !== undefined) return describeRange(filter);
  if (filter["to"] !== undefined) return describeRange({ from: chart.from, to: filter["to"] });
  return describeRange({ from: Date.parse(chart.to) - Date.parse(chart.from) > LONG / 2 ? "30d" : "24h" });
}
/** Interval at which live events are counted, in milliseconds. */
const COUNT_INTERVAL = 500;
/** Minimum interval between fetches, in milliseconds. */
const MIN_FETCH_INTERVAL = 10_000;

/**
 * `isShown` tells which kinds the list shows. While `paused` returns true, the chart does not change. `isPartial` returns true if the live feed lacks some events of the chart, which is
 * then fetched regularly.
 */
export function useHistogram(
  filter: () => Filter,
  isShown: () => (kind: string) => boolean,
  paused: () => boolean,
  isPartial: () => boolean,
) {
  const { value: fetched, problem, refresh } = useFetched(() => fetchChart(filter(), isShown()));
  const chart = shallowRef<Histogram | null>(null);
  let uncounted: MailEvent[] = [];
  let countTimer: ReturnType<typeof setTimeout> | undefined;
  let fetchTimer: ReturnType<typeof setTimeout> | undefined;
  let fetchedAt = Date.now();

  function fetchSoon(): void {
    fetchTimer ??= setTimeout(fetchNow, Math.max(0, fetchedAt + MIN_FETCH_INTERVAL - Date.now()));
  }

  function fetchNow(): void {
    clearTimeout(fetchTimer);
    fetchTimer = undefined;
    fetchedAt = Date.now();
    uncounted = [];
    void refresh();
  }

  function countEvents(): void {
    countTimer = undefined;
    if (chart.value === null || uncounted.length === 0) return;
    const counted = addEvents(chart.value, uncounted);
    uncounted = [];
    chart.value = counted.chart;
    if (!counted.fits) fetchSoon();
  }

  let isFirst = true;
  whileShown(() => {
    const stop = listen({
      events(items) {
        if (paused()) return;
        uncounted.push(...items);
        countTimer ??= setTimeout(countEvents, COUNT_INTERVAL);
      },
      refetch: fetchSoon,
    });
    const refetchTimer = setInterval(() => {
      if (isPartial() && !paused() && !document.hidden) fetchSoon();
    }, MIN_FETCH_INTERVAL);
    // In the background, the feed follows the filter of another page.
    if (!isFirst) fetchNow();
    isFirst = false;
    return () => {
      stop();
      clearInterval(refetchTimer);
    };
  });
  watch(fetched, (histogram) => (chart.value = histogram));
  watch(filter, () => {
    chart.value = null;
    fetchNow();
  });
  watch(paused, (isPaused) => void (isPaused || fetchNow()));
  onUnmounted(() => {
    clearTimeout(countTimer);
    clearTimeout(fetchTimer);
  });
  return { chart: shallowReadonly(chart), problem, refresh: fetchNow };
}
