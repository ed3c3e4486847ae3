/** The days of a list of events, newest first. Each day's name takes a line of its own above the day's first event. */

import type { MailEvent } from "../../api/types";
import { startOfDay } from "../../times/format";

export interface Day {
  /** The start of the day in milliseconds. */
  readonly at: number;
  /** The position of the day's first event in the list. */
  readonly first: number;
}

/** The days in which the events were received, which is the order of the list. */
export function daysOf(events: readonly MailEvent[]): Day[] {
  const days: Day[] = [];
  for (let first = 0; first < events.length;) {
    const at = startOfDay(Date.parse(events[first]?.received_at ?? ""));
    days.push({ at, first });
    first = firstBefore(events, at, first + 1);
  }
  return days;
}

/** The position of the first event that was received before `at`, at or after position `from`. */
function firstBefore(events: readonly MailEvent[], at: number, from: number): number {
  let [low, high] = [from, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Date.parse(events[middle]?.received_at ?? "") < at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The number of days that begin at or before an event, which is the number of names above it. */
function daysAbove(days: readonly Day[], index: number): number {
  let [low, high] = [0, days.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((days[middle]?.first ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The line of an event, counting the names of days as lines. */
export function lineOf(days: readonly Day[], index: number): number {
  return index + daysAbove(days, index);
}

/** What a line shows: the name of a day, or an event of that day. */
export function lineAt(
  days: readonly Day[],
  line: number,
): { readonly day: Day | undefined; readonly index: number | null } {
  let [low, high] = [0, days.length];
  // The name of day `n` is on line `first + n`.
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((days[middle]?.first ?? 0) + middle <= line) low = middle + 1;
    else high = middle;
  }
  const day = days[low - 1];
  const isName = day !== undefined && day.first + low - 1 === line;
  return { day, index: isName ? null : line - low };
}
