/** The batch in the editor: as it is posted, and which events come of it. */

import type { MailEvent } from "../../api/types";
import { mistakeIn } from "./mistake";

/** As templates fill the editor. */
export function written(events: readonly unknown[]): string {
  return JSON.stringify({ mandrill_events: events }, null, 2);
}

/** What is posted: an array alone, as it stands in Mandrill's form, is given the name that the webhook wants. */
export function posted(text: string): string {
  return text.trimStart().startsWith("[") ? `{"mandrill_events":${text}}` : text;
}

/** The events of a text that is right; null for any other. */
export function elementsOf(text: string): readonly unknown[] | null {
  if (mistakeIn(text) !== null) return null;
  const events = field(JSON.parse(posted(text)), "mandrill_events");
  return Array.isArray(events) ? events : null;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function texts(...values: unknown[]): string[] {
  return values.filter((value): value is string => typeof value === "string" && value !== "");
}

/** Whether an event that has come is of this batch: it has an id of it, or, where it has none, an address. */
export function comesOf(events: readonly unknown[]): (event: MailEvent) => boolean {
  const ids = new Set<string>();
  const addresses = new Set<string>();
  for (const one of events) {
    const [msg, reject, entry] = [field(one, "msg"), field(one, "reject"), field(one, "entry")];
    const headers = field(msg, "headers");
    const own = ["Message-Id", "Message-ID", "message-id"].map((name) => field(headers, name));
    for (const id of texts(field(one, "_id"), field(msg, "_id"), ...own)) ids.add(id);
    for (const address of texts(field(msg, "email"), field(reject, "email"), field(entry, "email")))
      addresses.add(address);
  }
  return ({ message_id, recipient, simulated }) =>
    simulated && (message_id !== null ? ids.has(message_id) : recipient !== null && addresses.has(recipient));
}
