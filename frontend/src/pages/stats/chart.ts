/** The bars of the chart: one for each bucket of the period, including empty ones. */

import type { Counts, Statistics, Step } from "../../api/stats";
import type { Tone } from "../../components/tones";
import { kindStyle } from "../events/kinds";

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
  /** Whether the period contains only a part of the bar's time, or that time has not ended yet. */
  readonly partial: boolean;
  /** One count for each entry of `SERIES`. */
  readonly values: readonly number[];
  readonly sum: number;
}

function valuesOf(counts: Counts): number[] {
  const values = SERIES.map(() => 0);
  for (const [kind, count] of Object.entries(counts)) {
    const index = SERIES.findIndex(({ tone }) => tone === kindStyle(kind).tone);
    values[index] = (values[index] ?? 0) + count;
  }
  return values;
}

export function barsOf({ buckets }: Pick<Statistics, "buckets">): Bar[] {
  return buckets.map(({ at, partial, counts }) => {
    const values = valuesOf(counts);
    return { at: Date.parse(at), partial, values, sum: values.reduce((sum, value) => sum + value, 0) };
  });
}

/** The words for the width of a bar. */
export const STEP_NAMES: Readonly<Record<Step, string>> = {
  quarter: "quarter of an hour",
  hour: "hour",
  day: "day",
  week: "week",
  month: "month",
};

/** Rounds up to a round, even number, so that the midpoint of the axis is an integer. */
export function axisMax(max: number): number {
  for (let size = 1; ; size *= 10) {
    for (const round of [2, 4, 6, 10]) if (round * size >= max) return round * size;
  }
}

/** Formats the start of a bucket: `Tue 24 Nov, 14:00`, `Tue 24 Nov 2026`, `week of Mon 23 Nov 2026`, `November 2026`. */
export function bucketFormatter(step: Step, zone: string): (at: number) => string {
  const day = { weekday: "short", day: "numeric", month: "short" } as const;
  const time = { ...day, hour: "numeric", minute: "2-digit" } as const;
  const options = {
    quarter: time,
    hour: time,
    day: { ...day, year: "numeric" },
    week: { ...day, year: "numeric" },
    month: { month: "long", year: "numeric" },
  } as const;
  const format = new Intl.DateTimeFormat(undefined, { ...options[step], timeZone: zone });
  return (at) => `${step === "week" ? "week of " : ""}${format.format(at)}`;
}
