/**
 * Types of the API and the websocket. API types are generated from the OpenAPI document (`npm run types`); frames mirror
 * `notifier/src/fanout/protocol.rs`.
 */

import type { components } from "./schema";

/** Schemas of the OpenAPI document. */
export type Schemas = components["schemas"];

export type Role = Schemas["Role"];

/** Only admins receive `disabled`. */
export type User = Schemas["User"] & Partial<Pick<Schemas["Account"], "disabled">>;

export type SignedIn = Schemas["SignedIn"];

/** Event filter: values by name. Names that start with `not.` can have multiple values. */
export type Filter = Readonly<Record<string, string | readonly string[]>>;

/** Times are RFC 3339 in UTC. */
export type MailEvent = Schemas["Event"];

/** An event with Mandrill's payload, as far as JSON can represent it. */
export type EventDetail = Schemas["EventWithPayload"];

/** Event counts by time bucket. Empty buckets are omitted. */
export type Histogram = Schemas["Histogram"];

export type Notification = Schemas["Notification"];

/** A message with all its events, oldest first. */
export type Message = Schemas["Message"];

/** Another message to the same recipient, with its last event. */
export type RelatedMessage = Schemas["RelatedMessage"];

/** Events for one address by kind, most recent kind first. */
export type Recipient = Schemas["Recipient"];

export type KindOfRecipient = Schemas["KindOfRecipient"];

/** A notification in the user's history, with its read state. */
export type InboxNotification = Schemas["ToldNotification"];

/** An event whose actor has changed because the time of delivery became known. */
export interface ChangedVerdict {
  readonly id: number;
  readonly actor: Schemas["Actor"];
  /** The event's new `actor_reason`. */
  readonly reason: Schemas["ActorReason"];
}

/** Notifications the user has read: a list of ids, everything up to a certain id, and the number still unread. */
export interface ReadMark {
  readonly ids: readonly number[];
  readonly up_to: number | null;
  readonly unread: number;
}

/** Notifications the user has marked as unread, and the number now unread. */
export interface UnreadMark {
  readonly ids: readonly number[];
  readonly unread: number;
}

/** A page of the history, and the total number of unread notifications (counted up to 1,000). */
export type Inbox = Schemas["Inbox"];

/**
 * A page of a list. `next` is the cursor for the next page. A search of events that took too long has `searched_to`: everything received since
 * then was searched.
 */
export interface List<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  readonly searched_to?: string | null;
}

/** Result of a posted batch. */
export type Receipt = Schemas["Receipt"];

export type QuarantineState = QuarantineItem["state"];

/** A quarantined item without its bytes. */
export type QuarantineItem = Schemas["Quarantined"];

/** A quarantined item with its bytes: as text, or in base64 if they are not UTF-8. */
export type QuarantineItemDetail = Schemas["QuarantinedWhole"];

/** Open items for one reason. */
export type QuarantineGroup = Schemas["QuarantineGroup"];

export type QuarantineList = Schemas["QuarantineList"];

/** Selects open items by id, or all items that match. */
export type Selection = Schemas["Selection"];

/** Result of retrying an item. Only a dry run returns `readable`. */
export type Outcome = Schemas["RetryOutcome"];

export type Retried = Schemas["Retried"];

export type Discarded = Schemas["Discarded"];

/** Deliveries refused for the same reason, from the same network, within one hour. */
export type Refusal = Schemas["Refusal"];

export type CheckState = Schemas["FindingState"];

/** The result of one doctor check. */
export type Finding = Schemas["Finding"];

export type Report = Schemas["System"];

export interface Online {
  readonly users: number;
  readonly connections: number;
}

export type ServerFrame =
  | { readonly type: "hello"; readonly cursor: string; readonly user: User; readonly online: Online }
  | { readonly type: "subscribed"; readonly cursor: string; readonly recovered: boolean }
  | ({ readonly type: "notification"; readonly cursor: string } & Notification)
  | ({ readonly type: "read"; readonly cursor: string } & ReadMark)
  | ({ readonly type: "unread"; readonly cursor: string } & UnreadMark)
  | ({ readonly type: "changed"; readonly cursor: string } & ChangedVerdict)
  | {
      readonly type: "events";
      readonly cursor: string;
      readonly items: readonly MailEvent[];
      readonly skipped?: number;
    }
  | { readonly type: "reset"; readonly reason: string }
  | { readonly type: "presence"; readonly online: Online }
  | { readonly type: "sent"; readonly ref: string | null; readonly id: number }
  | { readonly type: "error"; readonly ref: string | null; readonly code: string; readonly detail: string }
  | { readonly type: "heartbeat"; readonly cursor?: string };
