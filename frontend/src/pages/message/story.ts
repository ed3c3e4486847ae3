/** A message's events as a story: repeats folded, gaps in words, and opens that no person made marked as such. */

import type { MailEvent } from "../../api/types";

export interface Step {
  readonly event: MailEvent;
  /** How often the same happened in a row, with the last time. */
  readonly times: number;
  readonly lastAt: string;
  /** How long after the step before; empty for the first, and where it is no time at all. */
  readonly gap: string;
  /** Why this was likely a machine and no person; empty if it was likely a person. */
  readonly machine: string;
}

/** Programs that fetch the pictures of a mail whether or not anybody looks at it. */
const MACHINES: readonly (readonly [RegExp, string])[] = [
  [/GoogleImageProxy/i, "Gmail fetches pictures for its users, usually when the mail is opened, by a proxy."],
  [/YahooMailProxy/i, "Yahoo Mail fetches pictures for its users, by a proxy."],
  [/BarracudaCentral|Barracuda/i, "A Barracuda scanner looks at every mail."],
  [/Mimecast/i, "A Mimecast scanner looks at every mail."],
  [/proofpoint/i, "A Proofpoint scanner looks at every mail."],
  [/bot\b|crawler|spider|scanner|preview/i, "The program calls itself a robot."],
];
/** Apple's Mail Privacy Protection says no more than this. */
const APPLE = /^Mozilla\/5\.0$/;
/** Nobody is as quick as this after the mail was sent. */
const TOO_QUICK = 3_000;

/** The events, oldest first, as steps. */
export function storyOf(events: readonly MailEvent[]): Step[] {
  const steps: Step[] = [];
  const sent = events.find((event) => event.kind === "send" || event.kind === "delivered");
  let before: string | null = null;
  for (const event of events) {
    const last = steps.at(-1);
    const machine = machineOf(event, sent ?? null);
    if (last !== undefined && isSame(last.event, event) && last.machine === machine) {
      steps[steps.length - 1] = { ...last, times: last.times + 1, lastAt: event.occurred_at };
    } else {
      steps.push({ event, times: 1, lastAt: event.occurred_at, gap: gapBetween(before, event.occurred_at), machine });
    }
    before = event.occurred_at;
  }
  return steps;
}

function isSame(one: MailEvent, other: MailEvent): boolean {
  return one.kind === other.kind && one.url === other.url && one.ip === other.ip && one.diagnostic === other.diagnostic;
}

function machineOf(event: MailEvent, sent: MailEvent | null): string {
  if (event.kind !== "open" && event.kind !== "click") return "";
  const agent = event.user_agent ?? "";
  const known = MACHINES.find(([pattern]) => pattern.test(agent))?.[1];
  if (known !== undefined) return known;
  if (APPLE.test(agent)) return "Apple Mail fetches pictures for everybody who uses its privacy protection.";
  const delay = sent === null ? Number.POSITIVE_INFINITY : Date.parse(event.occurred_at) - Date.parse(sent.occurred_at);
  if (delay >= 0 && delay < TOO_QUICK) return "It came within seconds of the sending, as from a scanner.";
  return "";
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1_000, "second"],
];

/** The time between two moments, in its two largest units. */
export function gapBetween(from: string | null, to: string): string {
  if (from === null) return "";
  let left = Date.parse(to) - Date.parse(from);
  const words: string[] = [];
  for (const [size, name] of UNITS) {
    const count = Math.floor(left / size);
    if (count > 0 && words.length < 2) words.push(`${count} ${name}${count === 1 ? "" : "s"}`);
    left -= count * size;
  }
  return words.length === 0 ? "" : `${words.join(" ")} later`;
}
