/** Endpoints, over `fetch`; those of accounts are in `access.ts`. A refusal becomes a `Problem`; a 401 also tells whoever listens that the session is over. */

import type {
  Discarded,
  Filter,
  Inbox,
  List,
  MailEvent,
  Message,
  QuarantineList,
  QuarantineState,
  QuarantineWhole,
  Receipt,
  Recipient,
  Refusal,
  Report,
  Retried,
  Schemas,
  Selection,
  SignedIn,
  User,
} from "./types";

/** A refusal of the server (RFC 9457), or its silence (`status` 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** Seconds to wait, where the server says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

let whenSignedOut: () => void = () => {};

/** Has `tell` called when the server says that nobody is signed in. */
export function onSignedOut(tell: () => void): void {
  whenSignedOut = tell;
}

/**
 * Asks for JSON, and gives it.
 *
 * @throws {Problem}
 */
export async function ask<T>(method: string, path: string, body?: string): Promise<T> {
  const response = await request(method, path, body);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/**
 * Asks, and gives the answer as it is.
 *
 * @throws {Problem}
 */
export async function request(method: string, path: string, body?: string): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", "x-requested-with": "fetch" };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body: body ?? null, cache: "no-store" });
  } catch {
    throw new Problem(0, "unreachable", "The server cannot be reached.");
  }
  if (response.ok) return response;
  const document = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  const code = document.code ?? "unknown";
  if (code === "signed_out") whenSignedOut();
  const retryAfter = Number(response.headers.get("retry-after"));
  const detail = document.detail ?? `The server answered ${response.status}.`;
  // What failed there is told in its log alone, under this name.
  const request = response.status >= 500 ? response.headers.get("x-request-id") : null;
  throw new Problem(
    response.status,
    code,
    request === null ? detail : `${detail} Its log tells more of request ${request}.`,
    retryAfter > 0 ? retryAfter : null,
  );
}

/** Who is signed in, if anybody, and what the provider is called through which one may sign in. */
export function getSession(): Promise<SignedIn> {
  return ask("GET", "/api/session");
}

export function signIn(email: string, password: string): Promise<SignedIn> {
  return ask("POST", "/api/session", JSON.stringify({ email, password }));
}

export function signOut(): Promise<void> {
  return ask("DELETE", "/api/session");
}

/** A page of events that match, newest first. */
export function listEvents(cursor: string | null, filter: Filter = {}): Promise<List<MailEvent>> {
  // The first page is to be there soon, the others are to be few.
  return ask(
    "GET",
    `/api/events?${queryOf({ ...filter, limit: cursor === null ? "100" : "200", cursor: cursor ?? "" })}`,
  );
}

/** Names and values as a query string; a name with several values is there several times. */
export function queryOf(filter: Filter): string {
  const pairs = Object.entries(filter).flatMap(([name, value]) => [value].flat().map((one) => [name, `${one}`]));
  return new URLSearchParams(pairs).toString();
}

/** Everything that became of one message. */
export function getMessage(id: string): Promise<Message> {
  return ask("GET", `/api/messages/${encodeURIComponent(id)}`);
}

/** What became of mail to one address. */
export function getRecipient(email: string): Promise<Recipient> {
  return ask("GET", `/api/recipients/${encodeURIComponent(email)}`);
}

/** What is, or would be, emptied of an address. */
export type Erased = Schemas["Erased"];

/** Says what erasing an address would empty, and does nothing. */
export function foreseeErasure(email: string): Promise<Erased> {
  return ask("POST", `/api/recipients/${encodeURIComponent(email)}/erase`, JSON.stringify({ dry_run: true }));
}

/** Erases an address, which `confirm` has to name. */
export function eraseRecipient(email: string, confirm: string): Promise<Erased> {
  return ask("POST", `/api/recipients/${encodeURIComponent(email)}/erase`, JSON.stringify({ confirm }));
}

/** A page of what the signed-in user was told, newest first: all of it, or of a `kind`, `unread`, or `from_user`. */
export function listNotifications(
  cursor: string | null,
  filter: Readonly<Record<string, string>> = {},
): Promise<Inbox> {
  return ask("GET", `/api/notifications?${new URLSearchParams({ ...filter, limit: "50", cursor: cursor ?? "" })}`);
}

/** Marks these as read; gives how many are left unread. */
export async function readThese(ids: readonly number[]): Promise<number> {
  return (await ask<{ unread: number }>("POST", "/api/notifications/read", JSON.stringify({ ids }))).unread;
}

/** Marks everything up to a notification as read; gives how many are left unread. */
export async function readUpTo(id: number): Promise<number> {
  return (await ask<{ unread: number }>("POST", "/api/notifications/read", JSON.stringify({ up_to: id }))).unread;
}

/** Everybody who can be written to; admins are told of those who are disabled, too. */
export function listUsers(): Promise<List<User>> {
  return ask("GET", "/api/users");
}

/** Posts a batch as the signed-in user; `json` goes as it is written. */
export function postBatch(json: string): Promise<Receipt> {
  return ask("POST", "/webhook/", json);
}

/** Items of the quarantine that one request tries again or discards, at most: the oldest. */
export const MOST_AT_ONCE = 1_000;

/** A page of what is in quarantine, newest first, and what is open by reason. */
export function listQuarantine(
  state: QuarantineState,
  reason: string | null,
  cursor: string | null,
  limit = 100,
): Promise<QuarantineList> {
  const query = new URLSearchParams({ state, limit: `${limit}`, cursor: cursor ?? "" });
  if (reason !== null) query.set("reason", reason);
  return ask("GET", `/api/quarantine?${query}`);
}

/** One item of the quarantine with its bytes. */
export function getQuarantined(id: number): Promise<QuarantineWhole> {
  return ask("GET", `/api/quarantine/${id}`);
}

/** Where the bytes of an item are, as they were received. */
export function rawQuarantined(id: number): string {
  return `/api/quarantine/${id}/raw`;
}

/** Says what trying these again would give, and does nothing. */
export function foreseeRetry(select: Selection): Promise<Retried> {
  return ask("POST", "/api/quarantine/retry", JSON.stringify({ select, dry_run: true }));
}

/** Tries these again; those that are no longer open are left out. */
export function retryQuarantined(ids: readonly number[]): Promise<Retried> {
  return ask("POST", "/api/quarantine/retry", JSON.stringify({ select: { ids } }));
}

/** Says how many a discard would be about, and does nothing. */
export function foreseeDiscard(select: Selection): Promise<Discarded> {
  return ask("POST", "/api/quarantine/discard", JSON.stringify({ select, dry_run: true }));
}

/** Discards these, if they are as many as expected. */
export function discardQuarantined(select: Selection, reason: string, expect: number): Promise<Discarded> {
  return ask("POST", "/api/quarantine/discard", JSON.stringify({ select, reason, expect }));
}

/** A page of the deliveries that were refused, newest first. */
export function listRefusals(cursor: string | null): Promise<List<Refusal>> {
  return ask("GET", `/api/refusals?${new URLSearchParams({ limit: "200", cursor: cursor ?? "" })}`);
}

/** What the doctor finds now. */
export function getSystem(): Promise<Report> {
  return ask("GET", "/api/system");
}
