/** The chart's bars: every bucket of the time, also those without events, and what is stacked in each. */

import type { Counts, Statistics, Step } from "../../api/stats";
import type { Tone } from "../../components/tones";
import { lookOf } from "../events/kinds";
import { startOf } from "./zone";

/** What is stacked, from the bottom as in the list's chart: kinds by what they mean, since eleven colours tell nobody anything. */
export const SERIES: readonly { readonly tone: Tone; readonly name: string }[] = [
  { tone: "bad", name: "Bounced, rejected, spam" },
  { tone: "warn", name: "Deferred and soft bounces" },
  { tone: "engaged", name: "Opened and clicked" },
  { tone: "ok", name: "Sent and delivered" },
  { tone: "quiet", name: "Other" },
];

export interface Bar {
  readonly at: number;
  /** As many as there are series, in their order. */
  readonly values: readonly number[];
  readonly sum: number;
}

/** More would be narrower than a line; the server gives no more than this either. */
const MOST = 400;

function stack(values: number[], counts: Counts): void {
  for (const [kind, count] of Object.entries(counts)) {
    const place = SERIES.findIndex(({ tone }) => tone === lookOf(kind).tone);
    values[place] = (values[place] ?? 0) + count;
  }
}

export function barsOf({
  from,
  to,
  step,
  zone,
  buckets,
}: Pick<Statistics, "from" | "to" | "step" | "zone" | "buckets">): Bar[] {
  const bars: Bar[] = [];
  // What is counted is counted by the hour, so the last hour says where the last bar is.
  const last = startOf(step, Date.parse(to) - 3_600_000, zone);
  let next = 0;
  for (let at = startOf(step, Date.parse(from), zone); at <= last && bars.length < MOST;) {
    const end = startOf(step, at, zone, 1);
    const values = SERIES.map(() => 0);
    for (let bucket = buckets[next]; bucket && Date.parse(bucket.at) < end; bucket = buckets[++next]) {
      stack(values, bucket.counts);
    }
    bars.push({ at, values, sum: values.reduce((sum, value) => sum + value, 0) });
    at = end;
  }
  return bars;
}

/** The next round number that is not smaller: 1, 2 or 5 with zeros, and even, so that its half is whole. */
export function ceiling(most: number): number {
  for (let size = 1; ; size *= 10) {
    for (const round of [2, 4, 6, 10]) if (round * size >= most) return round * size;
  }
}

/** How a bucket is called: `Tue 24 Nov, 14:00`, `Tue 24 Nov 2026`, `November 2026`. */
export function namer(step: Step, zone: string): (at: number) => string {
  const day = { weekday: "short", day: "numeric", month: "short" } as const;
  const options = {
    hour: { ...day, hour: "numeric", minute: "2-digit" },
    day: { ...day, year: "numeric" },
    month: { month: "long", year: "numeric" },
  } as const;
  const format = new Intl.DateTimeFormat(undefined, { ...options[step], timeZone: zone });
  return (at) => format.format(at);
}
