// Converts a batch element to the columns of a row.

import { createHash } from "node:crypto";

/** Returns the columns of a message event, or undefined for other elements, which are not stored. */
export function readEvent(element) {
  const kind = text(element?.event);
  if (!kind) return undefined;
  // Mandrill writes `[]` for an empty object, omits fields, and sets fields to null.
  const msg = mapping(element.msg);
  const location = mapping(element.location);
  const metadata = mapping(msg.metadata);
  const ts = Number(element.ts);
  const messageId = text(element._id) || text(msg._id);
  const url = text(element.url);
  const ip = text(element.ip);
  const userAgent = text(element.user_agent);
  return {
    digest: digest(kind, messageId, String(ts), url, ip, userAgent),
    occurredAt: new Date(ts * 1000).toISOString(),
    kind,
    messageId,
    recipient: text(msg.email),
    sender: text(msg.sender),
    subject: text(msg.subject),
    tags: Array.isArray(msg.tags) ? msg.tags.filter((tag) => typeof tag === "string") : [],
    metadata: Object.keys(metadata).length > 0 ? JSON.stringify(metadata) : null,
    template: text(msg.template),
    subaccount: text(msg.subaccount),
    url,
    ip,
    userAgent,
    country: text(location.country),
    city: text(location.city),
    diagnostic: text(msg.diag) || text(element.diag) || text(msg.bounce_description),
    payload: JSON.stringify(element),
  };
}

/** Identifies an event across deliveries. Excludes `msg`, a snapshot that differs between deliveries. */
function digest(...identity) {
  const joined = identity.map((part) => part ?? "").join("\0");
  return createHash("sha256").update(joined).digest().subarray(0, 16);
}

function text(value) {
  return typeof value === "string" ? value : null;
}

function mapping(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}
