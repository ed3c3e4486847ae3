/** Formats, parses and posts the batch in the editor, and recognizes the events it produces. */

import type { MailEvent } from "../../api/types";
import { findJsonError } from "./jsonError";

/** The text that a template puts into the editor. */
export function formatBatch(events: readonly unknown[]): string {
  return JSON.stringify({ mandrill_events: events }, null, 2);
}

/** The request body. A bare array, the format of Mandrill's form field, is wrapped in an object as the webhook expects. */
export function toRequestBody(text: string): string {
  return text.trimStart().startsWith("[") ? `{"mandrill_events":${text}}` : text;
}

/** The elements of a valid batch; null for any other text. */
export function parseBatch(text: string): readonly unknown[] | null {
  if (findJsonError(text) !== null) return null;
  const events = field(JSON.parse(toRequestBody(text)), "mandrill_events");
  return Array.isArray(events) ? events : null;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function nonEmptyStrings(...values: unknown[]): string[] {
  return values.filter((value): value is string => typeof value === "string" && value !== "");
}

/** Returns whether an event belongs to this batch: by message id, or by address if the event has no id. */
export function batchMatcher(events: readonly unknown[]): (event: MailEvent) => boolean {
  const ids = new Set<string>();
  const addresses = new Set<string>();
  for (const element of events) {
    const [msg, reject, entry] = [field(element, "msg"), field(element, "reject"), field(element, "entry")];
    const headers = field(msg, "headers");
    const headerIds = ["Message-Id", "Message-ID", "message-id"].map((name) => field(headers, name));
    for (const id of nonEmptyStrings(field(element, "_id"), field(msg, "_id"), ...headerIds)) ids.add(id);
    for (const address of nonEmptyStrings(field(msg, "email"), field(reject, "email"), field(entry, "email")))
      addresses.add(address);
  }
  return ({ message_id, recipient, simulated }) =>
    simulated && (message_id !== null ? ids.has(message_id) : recipient !== null && addresses.has(recipient));
}
