/** The buckets of the chart: their names, and the buckets before them. */

import type { Step } from "../../api/stats";
import { format } from "../../times/format";
import { startOf } from "../../times/zone";
import { texts } from "./texts";

const HOUR = 3_600_000;

/** The words for the width of a bucket. */
export const STEP_NAMES: Readonly<Record<Step, string>> = {
  quarter: texts.quarterOfAnHour,
  hour: "hour",
  day: "day",
  week: "week",
  month: "month",
};

const STYLES = {
  quarter: "weekdayAndTime",
  hour: "weekdayAndTime",
  day: "weekday",
  week: "weekday",
  month: "month",
} as const;

/** Formats the start of a bucket: `Tue 24 Nov, 14:00`, `Tue 24 Nov 2026`, `week of Mon 23 Nov 2026`, `November 2026`. */
export function bucketName(at: number, step: Step, zone: string): string {
  return `${step === "week" ? texts.weekOf : ""}${format(STYLES[step], at, zone)}`;
}

/** Formats the start of a bucket for the axis. The first time of a day also names the day. */
export function tickName(at: number, step: Step, zone: string): string {
  if (step === "month") return format("monthShort", at, zone);
  if (step === "day" || step === "week") return format("dateShort", at, zone);
  return startOf("day", at, zone) === at ? format("dateShort", at, zone) : format("time", at, zone);
}

/** The positions of the buckets that the axis names, so that the names have `room` for at most so many. Days begin at midnight. */
export function ticksOf(starts: readonly number[], step: Step, zone: string, room: number): number[] {
  const positions = starts.map((_, at) => at);
  const isDay = (at: number): boolean => startOf("day", starts[at] ?? 0, zone) === starts[at];
  const hours = (every: number) => (at: number) => (starts[at] ?? 0) % (every * HOUR) === 0;
  const candidates =
    step === "hour" || step === "quarter"
      ? [hours(1), hours(3), hours(6), isDay].map((wanted) => positions.filter(wanted))
      : [];
  const fitting = [positions, ...candidates].find((some) => some.length <= room && some.length > 1);
  if (fitting) return fitting;
  const every = Math.ceil(positions.length / Math.max(1, room));
  return positions.filter((at) => at % every === 0);
}

/** The start of the bucket that lies `count` buckets before the one that begins at `at`. */
export function bucketsBefore(at: number, step: Step, zone: string, count: number): number {
  if (step === "quarter") return at - (count * HOUR) / 4;
  if (step === "hour") return at - count * HOUR;
  if (step === "month") return startOf("month", at, zone, -count);
  return startOf("day", at, zone, step === "week" ? -7 * count : -count);
}
