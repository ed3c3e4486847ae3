/** The events of a message as a timeline: repeats are merged, and gaps are described. */

import type { MailEvent } from "../../api/types";
import { texts } from "./texts";

export interface Step {
  readonly event: MailEvent;
  /** How many times the same event occurred in a row; `lastAt` is the last time. */
  readonly times: number;
  readonly lastAt: string;
  /** The time since the previous step; empty for the first step and for gaps below one second. */
  readonly gap: string;
}

/** `events` must be ordered oldest first. */
export function timelineOf(events: readonly MailEvent[]): Step[] {
  const steps: Step[] = [];
  let previous: string | null = null;
  for (const event of events) {
    const last = steps.at(-1);
    if (last !== undefined && isSame(last.event, event)) {
      steps[steps.length - 1] = { ...last, times: last.times + 1, lastAt: event.occurred_at };
    } else {
      steps.push({ event, times: 1, lastAt: event.occurred_at, gap: gapBetween(previous, event.occurred_at) });
    }
    previous = event.occurred_at;
  }
  return steps;
}

function isSame(a: MailEvent, b: MailEvent): boolean {
  return (
    a.kind === b.kind &&
    a.url === b.url &&
    a.ip === b.ip &&
    a.diagnostic === b.diagnostic &&
    a.actor === b.actor &&
    a.actor_reason === b.actor_reason
  );
}

const UNITS: readonly (readonly [size: number, name: string, short: string])[] = [
  [86_400_000, "day", "d"],
  [3_600_000, "hour", "h"],
  [60_000, "minute", "min"],
  [1_000, "second", "s"],
];

/** A duration in its two largest units, each with its count; empty below one second. */
function inTwoUnits(milliseconds: number, format: (count: number, name: string, short: string) => string): string {
  let rest = milliseconds;
  const words: string[] = [];
  for (const [size, name, short] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0 && words.length < 2) words.push(format(count, name, short));
    rest -= count * size;
  }
  return words.join(" ");
}

/** Describes the time between two instants, such as `3 minutes 12 seconds later`. */
export function gapBetween(from: string | null, to: string): string {
  if (from === null) return "";
  const gap = inTwoUnits(
    Date.parse(to) - Date.parse(from),
    (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`,
  );
  return gap === "" ? "" : `${gap} later`;
}

/** `9 s`, `3 min 12 s`, `less than a second`. */
export function durationInWords(milliseconds: number): string {
  return inTwoUnits(milliseconds, (count, _, short) => `${count} ${short}`) || texts.lessThanASecond;
}
