/** The events of a message as a timeline: repeats are merged, gaps are described, and automated opens are marked. */

import type { MailEvent } from "../../api/types";

export interface Step {
  readonly event: MailEvent;
  /** How many times the same event occurred in a row; `lastAt` is the last time. */
  readonly times: number;
  readonly lastAt: string;
  /** The time since the previous step; empty for the first step and for gaps below one second. */
  readonly gap: string;
  /** Why the event was probably automated; empty if a person probably caused it. */
  readonly machine: string;
}

/** Clients that load the images in a message even if nobody reads it. */
const AUTOMATED_CLIENTS: readonly (readonly [RegExp, string])[] = [
  [/GoogleImageProxy/i, "Gmail fetches pictures for its users, usually when the mail is opened, by a proxy."],
  [/YahooMailProxy/i, "Yahoo Mail fetches pictures for its users, by a proxy."],
  [/BarracudaCentral|Barracuda/i, "A Barracuda scanner looks at every mail."],
  [/Mimecast/i, "A Mimecast scanner looks at every mail."],
  [/proofpoint/i, "A Proofpoint scanner looks at every mail."],
  [/bot\b|crawler|spider|scanner|preview/i, "The program calls itself a robot."],
];
/** The complete user agent of Apple's Mail Privacy Protection. */
const APPLE = /^Mozilla\/5\.0$/;
/** Milliseconds after sending. A person takes longer than this to open a message. */
const MIN_HUMAN_DELAY = 3_000;

/** `events` must be ordered oldest first. */
export function timelineOf(events: readonly MailEvent[]): Step[] {
  const steps: Step[] = [];
  const sent = events.find((event) => event.kind === "send" || event.kind === "delivered");
  let previous: string | null = null;
  for (const event of events) {
    const last = steps.at(-1);
    const machine = machineOf(event, sent ?? null);
    if (last !== undefined && isSame(last.event, event) && last.machine === machine) {
      steps[steps.length - 1] = { ...last, times: last.times + 1, lastAt: event.occurred_at };
    } else {
      steps.push({ event, times: 1, lastAt: event.occurred_at, gap: gapBetween(previous, event.occurred_at), machine });
    }
    previous = event.occurred_at;
  }
  return steps;
}

function isSame(a: MailEvent, b: MailEvent): boolean {
  return a.kind === b.kind && a.url === b.url && a.ip === b.ip && a.diagnostic === b.diagnostic;
}

function machineOf(event: MailEvent, sent: MailEvent | null): string {
  if (event.kind !== "open" && event.kind !== "click") return "";
  const agent = event.user_agent ?? "";
  const known = AUTOMATED_CLIENTS.find(([pattern]) => pattern.test(agent))?.[1];
  if (known !== undefined) return known;
  if (APPLE.test(agent)) return "Apple Mail fetches pictures for everybody who uses its privacy protection.";
  const delay = sent === null ? Number.POSITIVE_INFINITY : Date.parse(event.occurred_at) - Date.parse(sent.occurred_at);
  if (delay >= 0 && delay < MIN_HUMAN_DELAY) return "It came within seconds of the sending, as from a scanner.";
  return "";
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
