/** Converts between instants and wall-clock time in any zone. */

import type { Step } from "../api/stats";

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterFor(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    const numbers = { year: "numeric", month: "numeric", day: "numeric" } as const;
    const time = { hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" } as const;
    formatter = new Intl.DateTimeFormat("en-US", { ...numbers, ...time, era: "short", timeZone: zone });
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** The wall-clock time in `zone` at `instant`, stored as if it were UTC: use the UTC methods of `Date` on it. */
export function wallClockAt(instant: number, zone: string): Date {
  const parts = formatterFor(zone).formatToParts(instant);
  const field = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  return new Date(
    Date.UTC(field("year"), field("month") - 1, field("day"), field("hour"), field("minute"), field("second")),
  );
}

/**
 * The instant of a wall-clock time in `zone`. An ambiguous time resolves to the earlier instant; a skipped time is moved past the
 * gap.
 */
export function instantOf(wallClock: Date, zone: string): number {
  const target = wallClock.getTime();
  const offsetAt = (instant: number): number => wallClockAt(instant, zone).getTime() - instant;
  const day = 86_400_000;
  // If the offset changes around this time, the correct offset is one of these two.
  const candidates = [target - offsetAt(target - day), target - offsetAt(target + day)].sort((a, b) => a - b);
  return candidates.find((instant) => wallClockAt(instant, zone).getTime() === target) ?? candidates[1] ?? target;
}

/** The start of the day or month that contains `instant`, moved by `offset` days or months. */
export function startOf(step: Extract<Step, "day" | "month">, instant: number, zone: string, offset = 0): number {
  const wallClock = wallClockAt(instant, zone);
  wallClock.setUTCHours(0, 0, 0, 0);
  if (step === "day") wallClock.setUTCDate(wallClock.getUTCDate() + offset);
  else wallClock.setUTCMonth(wallClock.getUTCMonth() + offset, 1);
  return instantOf(wallClock, zone);
}

/** Whether the browser knows the zone. */
export function isZone(zone: string): boolean {
  try {
    return formatterFor(zone) !== undefined;
  } catch {
    return false;
  }
}
