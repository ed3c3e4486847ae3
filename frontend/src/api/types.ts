/**
 * What the API and the websocket speak. Mirrors `shared/src/event.rs`, `notification.rs`, `notifier/src/frame.rs`, and
 * `quarantine.rs`, `refusals.rs` and `doctor.rs` in `ingest/src/operate/`.
 */

export type Role = "viewer" | "admin";

export interface User {
  readonly id: number;
  readonly email: string;
  readonly role: Role;
  /** Told to admins alone. */
  readonly disabled?: boolean;
}

/** What selects events: values by name; of names that begin with `not.` there may be several. */
export type Filter = Readonly<Record<string, string | readonly string[]>>;

/** Times are RFC 3339 in UTC. */
export interface MailEvent {
  readonly id: number;
  readonly kind: string;
  readonly occurred_at: string;
  readonly received_at: string;
  readonly message_id: string | null;
  readonly recipient: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly template: string | null;
  readonly subaccount: string | null;
  readonly url: string | null;
  readonly ip: string | null;
  readonly user_agent: string | null;
  readonly country: string | null;
  readonly city: string | null;
  readonly diagnostic: string | null;
  readonly simulated: boolean;
  readonly webhook: string | null;
  /** When what concerns the recipient was erased. */
  readonly erased_at?: string | null;
}

/** An event with what Mandrill said, as far as JSON holds it. */
export interface EventWhole extends MailEvent {
  readonly payload: unknown;
}

/** How many events came in each stretch of time; stretches without events are left out. */
export interface Histogram {
  readonly from: string;
  readonly to: string;
  /** Seconds of each stretch. */
  readonly step: number;
  readonly buckets: readonly { readonly at: string; readonly kinds: Readonly<Record<string, number>> }[];
}

export interface Notification {
  readonly id: number;
  /** `event` is one that is no open, which a rule asked for. */
  readonly kind: "open" | "event" | "message" | "alert";
  readonly title: string;
  readonly body: string;
  readonly event_id: number | null;
  readonly message_id: string | null;
  readonly recipient: string | null;
  readonly from: { readonly id: number; readonly email: string } | null;
  /** `all`, `user:ID` or `role:NAME`. */
  readonly to: string;
  readonly at: string;
}

/** Everything that became of one message, oldest first. */
export interface Message {
  readonly message_id: string;
  readonly events: readonly MailEvent[];
  /** There are more than these. */
  readonly cut: boolean;
  readonly related: readonly RelatedMessage[];
}

/** Another message to the same recipient, by its last event. */
export interface RelatedMessage {
  readonly message_id: string;
  readonly subject: string | null;
  readonly kind: string;
  readonly occurred_at: string;
}

/** What became of mail to one address; the kind that happened last comes first. */
export interface Recipient {
  readonly email: string;
  readonly kinds: readonly KindOfRecipient[];
}

export interface KindOfRecipient {
  readonly kind: string;
  readonly count: number;
  readonly first_at: string;
  readonly last_at: string;
  readonly diagnostic: string | null;
}

/** A notification in the history of the signed-in user. */
export interface Told extends Notification {
  /** By this user, on whichever page; what they sent themselves counts as read. */
  readonly read: boolean;
}

/** What this user has read on another page: these, all up to one, and how many are left. */
export interface ReadMark {
  readonly ids: readonly number[];
  readonly up_to: number | null;
  readonly unread: number;
}

/** A page of the history, and how many in all are unread (counted up to 1,000). */
export interface Inbox extends List<Told> {
  readonly unread: number;
}

/** A page of a list; `next` begins the next one. */
export interface List<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** What became of a batch's elements. */
export interface Receipt {
  readonly received: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly quarantined: number;
}

export type QuarantineState = "open" | "retried" | "discarded";

/** One thing in quarantine, without its bytes. */
export interface QuarantineItem {
  readonly id: number;
  /** What the bytes are. */
  readonly origin: "element" | "delivery" | "outbox";
  readonly reason: string;
  readonly detail: string;
  readonly webhook: string | null;
  readonly simulated: boolean;
  /** In bytes. */
  readonly size: number;
  readonly received_at: string;
  readonly last_seen_at: string;
  readonly times_seen: number;
  readonly state: QuarantineState;
  readonly resolved_at: string | null;
  readonly resolved_by: string | null;
  /** What came of the last try, or why it was discarded. */
  readonly resolution: string | null;
}

/** The same with its bytes: as text, or in base64 where they are not UTF-8. */
export interface QuarantineWhole extends QuarantineItem {
  readonly text: string | null;
  readonly base64: string | null;
}

/** What is open for one reason. */
export interface QuarantineGroup {
  readonly reason: string;
  readonly count: number;
  readonly first_at: string;
  readonly last_at: string;
}

export interface QuarantineList extends List<QuarantineItem> {
  readonly open: readonly QuarantineGroup[];
}

/** Which open items are meant: those named, or all that match. */
export interface Selection {
  readonly ids?: readonly number[];
  readonly reason?: string;
}

/** What became of an item that was tried again; `readable` is what a dry run foresees. */
export interface Outcome {
  readonly id: number;
  readonly outcome: "readable" | "stored" | "duplicate" | "relayed" | "failed";
  readonly detail: string;
}

export interface Retried {
  readonly matched: number;
  /** How many are meant in all; at most 1,000 are matched at once. */
  readonly total: number;
  readonly resolved: number;
  readonly failed: number;
  readonly items: readonly Outcome[];
}

export interface Discarded {
  readonly matched: number;
  readonly total: number;
  readonly discarded: number;
}

/** Deliveries refused for one reason, from one network, within one hour. */
export interface Refusal {
  readonly reason: string;
  readonly network: string;
  readonly hour: string;
  readonly count: number;
  readonly last_at: string;
  /** Codes joined by `+`. */
  readonly near_miss: string | null;
  /** What to change. */
  readonly hint: string | null;
}

export type CheckState = "ok" | "warn" | "fail";

/** One thing that the doctor looked at. */
export interface Finding {
  readonly check: string;
  readonly state: CheckState;
  readonly what: string;
  readonly advice: string | null;
}

export interface Report {
  readonly state: CheckState;
  readonly checked_at: string;
  readonly version: string;
  readonly findings: readonly Finding[];
  /** What Mandrill must post to. */
  readonly webhook_urls: readonly string[];
}

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
