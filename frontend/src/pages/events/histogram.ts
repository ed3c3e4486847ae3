/** The bars of the histogram: the events of each bucket, grouped by outcome. */

import type { Histogram, MailEvent } from "../../api/types";
import type { Tone } from "../../components/tones";
import { clock, formatRange, isThisYear } from "../../times/format";
import { counted } from "../../words";
import { kindStyle } from "./kinds";
import { texts } from "./texts";

/** Ordered from bottom to top. Failures are at the bottom, where their heights can be compared. */
export const STACK: readonly Tone[] = ["bad", "warn", "engaged", "ok", "quiet"];

export interface Bar {
  readonly begin: number;
  readonly end: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly total: number;
}

/** The number of events of each kind in the whole chart. */
export function countsOf({ buckets }: Histogram): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kinds } of buckets)
    for (const [kind, count] of Object.entries(kinds)) counts[kind] = (counts[kind] ?? 0) + count;
  return counts;
}

/** One bar for each bucket, including empty ones. `isShown` selects the kinds. */
export function barsOf({ from, to, step, buckets }: Histogram, isShown: (kind: string) => boolean = () => true): Bar[] {
  const [first, width] = [Date.parse(from), step * 1000];
  const byBegin = new Map(buckets.map(({ at, kinds }) => [Date.parse(at), kinds]));
  return Array.from({ length: Math.round((Date.parse(to) - first) / width) }, (_, n) => {
    const begin = first + n * width;
    const kinds = Object.fromEntries(Object.entries(byBegin.get(begin) ?? {}).filter(([kind]) => isShown(kind)));
    return { begin, end: begin + width, kinds, total: sum(Object.values(kinds)) };
  });
}

export interface Segment {
  readonly tone: Tone;
  readonly y: number;
  readonly height: number;
}

/** The segments of a bar, scaled so that `max` events fill `height`. Failures have a visible minimum height. */
export function segmentsOf(bar: Bar, max: number, height: number): Segment[] {
  const counts = new Map<Tone, number>();
  for (const [kind, count] of Object.entries(bar.kinds)) {
    const { tone } = kindStyle(kind);
    counts.set(tone, (counts.get(tone) ?? 0) + count);
  }
  let y = height;
  return STACK.flatMap((tone) => {
    const count = counts.get(tone) ?? 0;
    if (count === 0) return [];
    const segmentHeight = Math.min(y, Math.max((count / max) * height, tone === "bad" ? 2 : 0.75));
    y -= segmentHeight;
    return { tone, y, height: segmentHeight };
  });
}

/** Number of kinds that are listed; the rest are summed. */
const MAX_KINDS = 5;

/** The period from the first to the last bar. The year is included unless it is the current one. */
export function describePeriod(first: Bar, last: Bar): string {
  // The last bar is not over yet.
  const end = Math.max(first.begin, Math.min(last.end, clock.value));
  const isRecent = [first.begin, end].every(isThisYear);
  return formatRange(isRecent ? "dateAndTime" : "moment", first.begin, end);
}

/** The events in these bars: `12 events: 7 opened, 5 sent`. */
export function describeCounts(bars: readonly Bar[]): string {
  const counts = new Map<string, number>();
  for (const { kinds } of bars)
    for (const [kind, count] of Object.entries(kinds)) counts.set(kind, (counts.get(kind) ?? 0) + count);
  const parts = [...counts].sort(([, a], [, b]) => b - a);
  const listed = parts
    .slice(0, MAX_KINDS)
    .map(([kind, count]) => `${count.toLocaleString()} ${kindStyle(kind).label.toLowerCase()}`);
  const rest = sum(parts.slice(MAX_KINDS).map(([, count]) => count));
  if (rest > 0) listed.push(texts.ofOtherKinds(rest.toLocaleString()));
  const total = sum(counts.values());
  return total === 0 ? texts.noEvents : `${counted(total, "event")}: ${listed.join(", ")}`;
}

/** Adds live events to the chart. `fits` is false if an event lies beyond the end of the chart. */
export function addEvents(chart: Histogram, events: readonly MailEvent[]): { chart: Histogram; fits: boolean } {
  const [from, to, width] = [Date.parse(chart.from), Date.parse(chart.to), chart.step * 1000];
  const byBegin = new Map(chart.buckets.map(({ at, kinds }) => [Date.parse(at), { ...kinds }]));
  let fits = true;
  for (const { kind, received_at } of events) {
    const at = Date.parse(received_at);
    if (at >= to) fits = false;
    if (at < from || at >= to) continue;
    const begin = at - ((at - from) % width);
    const kinds = byBegin.get(begin) ?? {};
    byBegin.set(begin, { ...kinds, [kind]: (kinds[kind] ?? 0) + 1 });
  }
  const buckets = [...byBegin].map(([begin, kinds]) => ({ at: new Date(begin).toISOString(), kinds }));
  return { chart: { ...chart, buckets }, fits };
}

export function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
