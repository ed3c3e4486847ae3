/** The facts of an event, each with its filter name if events can be filtered by it. */

import { ExactNumber, stringifyExactly } from "../../api/json";
import type { MailEvent } from "../../api/types";
import { exact } from "../../times/format";
import { isMasked, recipientOf } from "../addresses";
import { texts } from "./texts";
import { actorLabel, placeOf, reasonLabel } from "./verdict";

export interface Fact {
  readonly group: "Mail" | "Client" | "Metadata";
  readonly title: string;
  readonly text: string;
  /** The filter name; empty if events cannot be filtered by it. */
  readonly name: string;
  readonly value: string;
}

/** Whether the event gives no readable time. The server then takes the time of receipt, to the microsecond. */
export function lacksTime(event: Pick<MailEvent, "occurred_at" | "received_at" | "source">): boolean {
  return event.occurred_at === event.received_at && !event.source;
}

type Row = readonly [title: string, text: string | null, name?: string, value?: string];

/** Every fact that is not empty. */
export function factsOf(event: MailEvent): Fact[] {
  const at = (time: string | null | undefined): string => (time ? exact(Date.parse(time)) : "");
  const mail: readonly Row[] = [
    ["To", event.recipient, "recipient", recipientOf(event) ?? ""],
    [texts.from2, event.sender, "sender"],
    [texts.subject, event.subject, "subject"],
    [texts.reason, reasonLabel(event.reason_class), "reason_class", event.reason_class ?? ""],
    [event.kind === "reject" ? texts.mandrillsReason : texts.smtpResponse, event.diagnostic],
    [texts.happened, lacksTime(event) ? texts.noTime : at(event.occurred_at)],
    [texts.storedHere, at(event.stored_at ?? event.received_at), "from", event.received_at],
    [texts.source, event.source === "import" ? texts.importedFromAFile : (event.source ?? null)],
    [texts.template, event.template, "template"],
    [texts.subaccount, event.subaccount, "subaccount"],
    [texts.message, event.message_id, "message_id"],
    [texts.webhook, event.webhook],
    [texts.simulated, event.simulated ? "yes" : null, "simulated", "true"],
    [texts.erased, at(event.erased_at)],
  ];
  const client: readonly Row[] = [
    [texts.causedBy, actorLabel(event.actor), "actor", event.actor ?? ""],
    [texts.link2, event.url, "url"],
    [texts.place, placeOf(event)],
    ["IP", event.ip, "ip"],
    ["Client", event.user_agent],
  ];
  const factOf = (group: Fact["group"], [title, text, name = "", value = text ?? ""]: Row): Fact => ({
    group,
    title,
    text: text ?? "",
    name: isMasked(value) ? "" : name,
    value,
  });
  const tags = event.tags.map((tag) => factOf("Mail", [texts.tag, tag, "tag"]));
  const metadata = Object.entries(event.metadata ?? {}).map(([key, value]) => metadataFact(key, value));
  const facts = [...mail.map((row) => factOf("Mail", row)), ...tags, ...client.map((row) => factOf("Client", row))];
  return [...facts, ...metadata].filter(({ text }) => text !== "");
}

/** Objects and arrays are shown, but only scalar values can be filtered by. */
function metadataFact(key: string, value: unknown): Fact {
  const text = typeof value === "string" ? value : stringifyExactly(value);
  const scalar = typeof value !== "object" || value instanceof ExactNumber;
  return {
    group: "Metadata",
    title: key,
    text,
    name: scalar && !isMasked(`${key} ${text}`) ? `metadata.${key}` : "",
    value: text,
  };
}
