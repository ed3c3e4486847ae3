/** The bars of the chart: one for each bucket of the period, including empty ones. */

import type { Counts, Statistics, Step } from "../../api/stats";
import type { Tone } from "../../components/tones";
import { kindStyle } from "../events/kinds";
import { startOf } from "./zone";

/** The series, from the bottom up as in the histogram. Kinds are grouped by outcome: eleven colours would be unreadable. */
export const SERIES: readonly { readonly tone: Tone; readonly name: string }[] = [
  { tone: "bad", name: "Bounced, rejected, spam" },
  { tone: "warn", name: "Deferred and soft bounces" },
  { tone: "engaged", name: "Opened and clicked" },
  { tone: "ok", name: "Sent and delivered" },
  { tone: "quiet", name: "Other" },
];

export interface Bar {
  readonly at: number;
  /** One count for each entry of `SERIES`. */
  readonly values: readonly number[];
  readonly sum: number;
}

/** The server's limit. With more bars, each would be narrower than a line. */
const MAX_BARS = 400;

function stack(values: number[], counts: Counts): void {
  for (const [kind, count] of Object.entries(counts)) {
    const index = SERIES.findIndex(({ tone }) => tone === kindStyle(kind).tone);
    values[index] = (values[index] ?? 0) + count;
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
  // Events are counted hourly, so the last counted hour determines the last bar.
  const last = startOf(step, Date.parse(to) - 3_600_000, zone);
  let next = 0;
  for (let at = startOf(step, Date.parse(from), zone); at <= last && bars.length < MAX_BARS;) {
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

/** Rounds up to a round, even number, so that the midpoint of the axis is an integer. */
export function axisMax(max: number): number {
  for (let size = 1; ; size *= 10) {
    for (const round of [2, 4, 6, 10]) if (round * size >= max) return round * size;
  }
}

/** Formats the start of a bucket: `Tue 24 Nov, 14:00`, `Tue 24 Nov 2026`, `November 2026`. */
export function bucketFormatter(step: Step, zone: string): (at: number) => string {
  const day = { weekday: "short", day: "numeric", month: "short" } as const;
  const options = {
    hour: { ...day, hour: "numeric", minute: "2-digit" },
    day: { ...day, year: "numeric" },
    month: { month: "long", year: "numeric" },
  } as const;
  const format = new Intl.DateTimeFormat(undefined, { ...options[step], timeZone: zone });
  return (at) => format.format(at);
}
