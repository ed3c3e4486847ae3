/** What became of a message, in one line and in figures. */

import type { MailEvent } from "../../api/types";
import type { Tone } from "../../components/tones";
import { capitalize } from "../../words";
import { isMachine, reasonLabel } from "../events/verdict";
import { durationInWords } from "./timeline";
import { texts } from "./texts";

export interface Outcome {
  readonly tone: Tone;
  /** One line, such as `Delivered in 9 s, opened twice, clicked once`. */
  readonly headline: string;
  /** The event that explains why the message has not arrived; null if there is nothing to explain. */
  readonly failure: MailEvent | null;
  readonly sentAt: string | null;
  /** From the sending to the delivery, in milliseconds; null if either is unknown. */
  readonly deliveryTime: number | null;
  readonly deferrals: number;
  readonly opens: Engagement;
  readonly clicks: Engagement;
}

export interface Engagement {
  readonly persons: number;
  readonly machines: number;
}

const FAILURES = ["hard_bounce", "soft_bounce", "reject"];

/** `events` are those of one message, oldest first. */
export function outcomeOf(events: readonly MailEvent[]): Outcome {
  const first = (kind: string): MailEvent | undefined => events.find((event) => event.kind === kind);
  const [sent, delivered] = [first("send"), first("delivered")];
  const failure = events.findLast(({ kind }) => FAILURES.includes(kind)) ?? null;
  const deferral = events.findLast(({ kind }) => kind === "deferral") ?? null;
  const opens = engagementOf(events, "open");
  const clicks = engagementOf(events, "click");
  const hasArrived = delivered !== undefined || opens.persons + clicks.persons > 0;
  const pending = failure === null && !hasArrived ? deferral : null;
  const deliveryTime = sent && delivered ? Math.max(0, at(delivered) - at(sent)) : null;
  const isBad = failure !== null || first("spam") !== undefined;
  const parts = [
    arrival(events, delivered, deliveryTime, failure, pending, hasArrived),
    timesOf("opened", opens),
    timesOf("clicked", clicks),
    first("spam") && texts.markedAsSpam,
    first("unsub") && "unsubscribed",
  ];
  return {
    tone: isBad
      ? "bad"
      : pending
        ? "warn"
        : opens.persons + clicks.persons > 0
          ? "engaged"
          : delivered
            ? "ok"
            : "quiet",
    headline: capitalize(parts.filter(Boolean).join(", ")),
    failure: failure ?? pending,
    sentAt: sent?.occurred_at ?? null,
    deliveryTime,
    deferrals: events.filter(({ kind }) => kind === "deferral").length,
    opens,
    clicks,
  };
}

function at({ occurred_at }: MailEvent): number {
  return Date.parse(occurred_at);
}

function engagementOf(events: readonly MailEvent[], kind: string): Engagement {
  const all = events.filter((event) => event.kind === kind);
  const machines = all.filter(({ actor }) => isMachine(actor)).length;
  return { persons: all.length - machines, machines };
}

/** Whether and how fast the message arrived. */
function arrival(
  events: readonly MailEvent[],
  delivered: MailEvent | undefined,
  deliveryTime: number | null,
  failure: MailEvent | null,
  pending: MailEvent | null,
  hasArrived: boolean,
): string {
  const inTime = deliveryTime === null ? "delivered" : texts.deliveredIn(durationInWords(deliveryTime));
  if (failure !== null) {
    const reason = failure.reason_class ? reasonLabel(failure.reason_class) : "";
    const what = `${failure.kind === "reject" ? "rejected" : "bounced"}${reason ? `: ${reason.toLowerCase()}` : ""}`;
    // Some servers accept a message and return it later.
    return delivered !== undefined && at(delivered) < at(failure) ? texts.eventually(inTime, what) : what;
  }
  if (pending !== null) {
    const reason = pending.reason_class ? `: ${reasonLabel(pending.reason_class).toLowerCase()}` : "";
    return `deferred${reason}`;
  }
  if (delivered !== undefined) return inTime;
  if (events.some(({ kind }) => kind === "inbound")) return "received";
  if (hasArrived) return "arrived";
  return events.some(({ kind }) => kind === "send") ? texts.sentNotYetReported : "";
}

/** `opened twice`; machines are mentioned if no person did. */
function timesOf(what: string, { persons, machines }: Engagement): string {
  if (persons === 0) return machines === 0 ? "" : texts.byMachinesOnly(what);
  return `${what} ${persons === 1 ? "once" : persons === 2 ? "twice" : `${persons.toLocaleString()} times`}`;
}

export interface ClickedLink {
  readonly url: string;
  readonly persons: number;
  readonly machines: number;
}

/** The links that were clicked, the ones that persons clicked most first. */
export function linksOf(events: readonly MailEvent[]): ClickedLink[] {
  const links = new Map<string, ClickedLink>();
  for (const { kind, url, actor } of events) {
    if (kind !== "click" || url === null) continue;
    const link = links.get(url) ?? { url, persons: 0, machines: 0 };
    const isOfMachine = isMachine(actor);
    links.set(url, {
      url,
      persons: link.persons + (isOfMachine ? 0 : 1),
      machines: link.machines + (isOfMachine ? 1 : 0),
    });
  }
  return [...links.values()].sort((a, b) => b.persons - a.persons || b.machines - a.machines);
}
