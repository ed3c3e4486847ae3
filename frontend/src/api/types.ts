/**
 * What the API and the websocket speak. What the API speaks is made from its document (`npm run types`); frames mirror
 * `notifier/src/fanout/protocol.rs`.
 */

import type { components } from "./schema";

/** What the API's document names. */
export type Schemas = components["schemas"];

export type Role = Schemas["Role"];

/** `disabled` is told to admins alone. */
export type User = Schemas["User"] & Partial<Pick<Schemas["Account"], "disabled">>;

/** Who is signed in, if anybody. */
export type SignedIn = Schemas["SignedIn"];

/** What selects events: values by name; of names that begin with `not.` there may be several. */
export type Filter = Readonly<Record<string, string | readonly string[]>>;

/** Times are RFC 3339 in UTC. */
export type MailEvent = Schemas["Event"];

/** An event with what Mandrill said, as far as JSON holds it. */
export type EventWhole = Schemas["EventWithPayload"];

/** How many events came in each stretch of time; stretches without events are left out. */
export type Histogram = Schemas["Histogram"];

export type Notification = Schemas["Notification"];

/** Everything that became of one message, oldest first. */
export type Message = Schemas["Message"];

/** Another message to the same recipient, by its last event. */
export type RelatedMessage = Schemas["RelatedMessage"];

/** What became of mail to one address; the kind that happened last comes first. */
export type Recipient = Schemas["Recipient"];

export type KindOfRecipient = Schemas["KindOfRecipient"];

/** A notification in the history of the signed-in user. */
export type Told = Schemas["ToldNotification"];

/** What this user has read on another page: these, all up to one, and how many are left. */
export interface ReadMark {
  readonly ids: readonly number[];
  readonly up_to: number | null;
  readonly unread: number;
}

/** A page of the history, and how many in all are unread (counted up to 1,000). */
export type Inbox = Schemas["Inbox"];

/** A page of a list; `next` begins the next one. */
export interface List<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** What became of a batch's elements. */
export type Receipt = Schemas["Receipt"];

export type QuarantineState = QuarantineItem["state"];

/** One thing in quarantine, without its bytes. */
export type QuarantineItem = Schemas["Quarantined"];

/** The same with its bytes: as text, or in base64 where they are not UTF-8. */
export type QuarantineWhole = Schemas["QuarantinedWhole"];

/** What is open for one reason. */
export type QuarantineGroup = Schemas["QuarantineGroup"];

export type QuarantineList = Schemas["QuarantineList"];

/** Which open items are meant: those named, or all that match. */
export type Selection = Schemas["Selection"];

/** What became of an item that was tried again; `readable` is what a dry run foresees. */
export type Outcome = Schemas["RetryOutcome"];

export type Retried = Schemas["Retried"];

export type Discarded = Schemas["Discarded"];

/** Deliveries refused for one reason, from one network, within one hour. */
export type Refusal = Schemas["Refusal"];

export type CheckState = Schemas["FindingState"];

/** One thing that the doctor looked at. */
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
