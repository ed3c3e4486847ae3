/** The events of a message as a timeline: repeats are merged, and gaps are described. */

import type { MailEvent } from "../../api/types";

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

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1_000, "second"],
];

/** Describes the time between two instants in its two largest units. */
export function gapBetween(from: string | null, to: string): string {
  if (from === null) return "";
  let rest = Date.parse(to) - Date.parse(from);
  const words: string[] = [];
  for (const [size, name] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0 && words.length < 2) words.push(`${count} ${name}${count === 1 ? "" : "s"}`);
    rest -= count * size;
  }
  return words.length === 0 ? "" : `${words.join(" ")} later`;
}
