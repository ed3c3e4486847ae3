/** Generates descriptions of audit log entries. */

import { describe } from "../../access/restriction";
import type { Restriction } from "../../api/access";
import type { AuditEntry } from "../../api/audit";
import { counted, inWords } from "../../words";
import { texts } from "./texts";

/** A sentence with a placeholder: the name of the user goes between `before` and `after`. */
export interface Description {
  readonly before: string;
  readonly user: number | null;
  readonly after: string;
}

const sentence = (before: string): Description => ({ before, user: null, after: "" });

export function describeEntry({ action, detail }: AuditEntry): Description {
  const user = typeof detail["user"] === "number" ? detail["user"] : null;
  const token = texts.token(textOf(detail["token"]));
  switch (action) {
    case "user_added":
      return { before: texts.added, user, after: texts.as(textOf(detail["role"])) };
    case "user_linked":
      return { before: texts.signedInThroughThe, user, after: "" };
    case "user_invited":
      return { before: texts.madeANewLink, user, after: "" };
    case "user_renewed":
      return { before: texts.signedInAsGroupsSay, user, after: "" };
    case "role_changed":
      return sentence(texts.changedRole(textOf(detail["role"])));
    case "user_changed":
      return userChange(user, (detail["to"] ?? {}) as Readonly<Record<string, unknown>>);
    case "sessions_ended":
      return { before: texts.endedOf(countOf(detail["count"], "session")), user, after: "" };
    case "token_added":
      return sentence(texts.madeWhichMay(token, [detail["scopes"] ?? []].flat().map(textOf).join(" and ")));
    case "token_changed":
      return sentence(texts.changedToken(token));
    case "token_revoked":
      return sentence(texts.revoked(token));
    case "recipient_read":
      return sentence(texts.readARecipient);
    case "events_exported":
      return sentence(texts.exportedEvents(textOf(detail["format"]), detail["payload"] === true));
    case "payload_read":
      return sentence(
        detail["event"] === undefined
          ? texts.readQuarantined(textOf(detail["quarantined"]))
          : texts.readAnEvent(textOf(detail["event"])),
      );
    case "recipient_erased":
      return sentence(
        texts.erasedAnAddress(erasedCounts((detail["erased"] ?? {}) as Readonly<Record<string, unknown>>)),
      );
    default:
      return sentence(inWords(action));
  }
}

/** The detail that the sentence omits: the hash of an erased address, what may be seen, or all details of an unknown action. */
export function extraDetail({ action, detail }: AuditEntry): string {
  if (action === "recipient_erased")
    return detail["hmac"] === undefined ? `SHA-256 ${textOf(detail["sha256"])}` : texts.hmacOf(textOf(detail["hmac"]));
  if (READS.includes(action)) return readDetail(detail);
  if (FULLY_DESCRIBED.includes(action)) return seen(action, detail);
  return Object.keys(detail).length === 0 ? "" : JSON.stringify(detail);
}

const READS = ["recipient_read", "events_exported", "payload_read"];

/** By which conditions events were exported, whom it concerned, and the token that was used. */
function readDetail(detail: AuditEntry["detail"]): string {
  const conditions = [detail["conditions"] ?? []].flat().map(textOf);
  const parts = [
    conditions.length > 0 ? texts.byConditions(conditions.join(", ")) : "",
    typeof detail["hmac"] === "string" ? texts.hmacOf(detail["hmac"]) : "",
    detail["token"] === undefined ? "" : texts.with(texts.token(textOf(detail["token"]))),
  ];
  return parts.filter((part) => part !== "").join(". ");
}

const FULLY_DESCRIBED = [
  "user_added",
  "user_linked",
  "user_invited",
  "user_changed",
  "user_renewed",
  "role_changed",
  "sessions_ended",
  "token_added",
  "token_changed",
  "token_revoked",
];

/** What a user or token may see, if the entry says so. A new one without limits needs no mention. */
function seen(action: string, detail: AuditEntry["detail"]): string {
  const changed = (detail["to"] ?? detail) as Readonly<Record<string, unknown>>;
  const restriction = changed["restriction"] as Restriction | null | undefined;
  const isNew = action.endsWith("_added");
  const part = restriction ? texts.maySee(describe(restriction)) : "";
  const all = restriction === null && !isNew ? texts.maySee(texts.allEvents) : "";
  const addresses = changed["addresses"];
  const ofRole = action === "user_renewed" ? texts.as(textOf(changed["role"])) : "";
  const seenAddresses =
    addresses === "masked" || (addresses === "full" && !isNew) ? texts.addressesSeen[addresses] : "";
  return [ofRole, part || all, seenAddresses].filter((text) => text !== "").join(". ");
}

function userChange(user: number | null, to: Readonly<Record<string, unknown>>): Description {
  const role = typeof to["role"] === "string" ? to["role"] : null;
  if (typeof to["disabled"] !== "boolean") {
    return role === null ? { before: texts.changed, user, after: "" } : { before: texts.made, user, after: role };
  }
  const verb = to["disabled"] ? texts.disabled : texts.enabled;
  return { before: verb, user, after: role === null ? "" : texts.andMadeThem(role) };
}

function erasedCounts(counts: Readonly<Record<string, unknown>>): string {
  const parts = [
    [counts["events"], "event", "events"],
    [counts["notifications"], "notification", "notifications"],
    [counts["quarantined"], texts.itemInQuarantine, texts.itemsInQuarantine],
    [counts["rules"], texts.notificationRule, texts.notificationRules],
    [counts["views"], texts.savedView, texts.savedViews],
  ] as const;
  const found = parts.filter(([count]) => typeof count === "number" && count > 0);
  return found.map(([count, one, many]) => countOf(count, one, many)).join(", ") || texts.nothingWasStoredAbout;
}

function countOf(count: unknown, one: string, many?: string): string {
  return counted(typeof count === "number" ? count : 0, one, many);
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `${value}` : "?";
}
