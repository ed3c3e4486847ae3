/**
 * API endpoints over `fetch`; account endpoints are in `access.ts`. An error response becomes a `Problem`; a `signed_out` error
 * also calls the `onSignedOut` handler.
 */

import { parseExactly } from "./json";
import type {
  Discarded,
  Filter,
  Inbox,
  List,
  MailEvent,
  Message,
  QuarantineList,
  QuarantineState,
  QuarantineItemDetail,
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

/** An error response (RFC 9457), or an unreachable server (`status` 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** `Retry-After` in seconds, if the server sent one. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

let signedOutHandler: () => void = () => {};

/** Sets the function to call when a response says that the session is over. */
export function onSignedOut(handler: () => void): void {
  signedOutHandler = handler;
}

/**
 * Sends a request and parses the JSON response.
 *
 * @throws {Problem}
 */
export async function requestJson<T>(method: string, path: string, body?: string): Promise<T> {
  const response = await request(method, path, body);
  return (response.status === 204 ? undefined : parseExactly(await response.text())) as T;
}

/** The answer that `public/early.js` requested. It serves the first request for the session only. */
function takeEarlySession(method: string, path: string): Promise<Response> | undefined {
  if (method !== "GET" || path !== "/api/session") return undefined;
  const page = globalThis as { earlySession?: Promise<Response> | undefined };
  const { earlySession } = page;
  page.earlySession = undefined;
  return earlySession;
}

/**
 * Sends a request and returns the raw response.
 *
 * @throws {Problem}
 */
export async function request(method: string, path: string, body?: string): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", "x-requested-with": "fetch" };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await (takeEarlySession(method, path) ??
      fetch(path, { method, headers, body: body ?? null, cache: "no-store" }));
  } catch {
    throw new Problem(0, "unreachable", "The server cannot be reached.");
  }
  if (response.ok) return response;
  const document = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  const code = document.code ?? "unknown";
  if (code === "signed_out") signedOutHandler();
  const retryAfter = Number(response.headers.get("retry-after"));
  const detail = document.detail ?? `The server answered ${response.status}.`;
  // The cause of a server error appears only in the server log, under this id.
  const requestId = response.status >= 500 ? response.headers.get("x-request-id") : null;
  throw new Problem(
    response.status,
    code,
    requestId === null ? detail : `${detail} See the server log for request ${requestId}.`,
    retryAfter > 0 ? retryAfter : null,
  );
}

/** Fetches the signed-in user, if any, and the name of the single sign-on provider. */
export function getSession(): Promise<SignedIn> {
  return requestJson("GET", "/api/session");
}

export function signIn(email: string, password: string): Promise<SignedIn> {
  return requestJson("POST", "/api/session", JSON.stringify({ email, password }));
}

/** Sets the password through an invitation link and signs in. */
export function acceptInvitation(token: string, password: string): Promise<SignedIn> {
  return requestJson("POST", "/api/invitation", JSON.stringify({ token, password }));
}

export function signOut(): Promise<void> {
  return requestJson("DELETE", "/api/session");
}

/** Fetches a page of matching events, newest first. */
export function listEvents(cursor: string | null, filter: Filter = {}): Promise<List<MailEvent>> {
  // A small first page is displayed sooner; larger subsequent pages require fewer requests.
  return requestJson(
    "GET",
    `/api/events?${queryOf({ ...filter, limit: cursor === null ? "100" : "200", cursor: cursor ?? "" })}`,
  );
}

/** Builds a query string. A name with several values is repeated. */
export function queryOf(filter: Filter): string {
  const pairs = Object.entries(filter).flatMap(([name, value]) => [value].flat().map((item) => [name, `${item}`]));
  return new URLSearchParams(pairs).toString();
}

/** Fetches a message with all its events. */
export function getMessage(id: string): Promise<Message> {
  return requestJson("GET", `/api/messages/${encodeURIComponent(id)}`);
}

/** Fetches a summary of the mail sent to an address. */
export function getRecipient(email: string): Promise<Recipient> {
  return requestJson("GET", `/api/recipients/${encodeURIComponent(email)}`);
}

/** Counts of the data that was, or would be, erased for an address. */
export type Erased = Schemas["Erased"];

/** Dry run: reports what erasing an address would remove. */
export function previewErasure(email: string): Promise<Erased> {
  return requestJson("POST", `/api/recipients/${encodeURIComponent(email)}/erase`, JSON.stringify({ dry_run: true }));
}

/** Erases an address. `confirm` must repeat the address. */
export function eraseRecipient(email: string, confirm: string): Promise<Erased> {
  return requestJson("POST", `/api/recipients/${encodeURIComponent(email)}/erase`, JSON.stringify({ confirm }));
}

/** Fetches a page of the user's notifications, newest first. Filters: `kind`, `unread`, `from_user`. */
export function listNotifications(
  cursor: string | null,
  filter: Readonly<Record<string, string>> = {},
): Promise<Inbox> {
  return requestJson(
    "GET",
    `/api/notifications?${new URLSearchParams({ ...filter, limit: "50", cursor: cursor ?? "" })}`,
  );
}

/** Marks notifications as read: some, or every one up to and including an id. */
export function markAsRead(which: { ids: readonly number[] } | { up_to: number }): Promise<Schemas["Marked"]> {
  return requestJson("POST", "/api/notifications/read", JSON.stringify(which));
}

/** Marks notifications as unread again, 1,000 at most. */
export function markAsUnread(ids: readonly number[]): Promise<Schemas["Unread"]> {
  return requestJson("POST", "/api/notifications/unread", JSON.stringify({ ids }));
}

/** Lists the users who can receive messages. Admins also see disabled users. */
export function listUsers(): Promise<List<User>> {
  return requestJson("GET", "/api/users");
}

/** Posts a batch as the signed-in user. Sends `json` unchanged. */
export function postBatch(json: string): Promise<Receipt> {
  return requestJson("POST", "/webhook/", json);
}

/** Maximum number of quarantine items that one request can retry or discard. The server selects the oldest items. */
export const MAX_ITEMS_PER_REQUEST = 1_000;

/** Fetches a page of quarantined items, newest first, and the counts of open items by reason. */
export function listQuarantine(
  state: QuarantineState,
  reason: string | null,
  cursor: string | null,
  limit = 100,
): Promise<QuarantineList> {
  const query = new URLSearchParams({ state, limit: `${limit}`, cursor: cursor ?? "" });
  if (reason !== null) query.set("reason", reason);
  return requestJson("GET", `/api/quarantine?${query}`);
}

/** Fetches a quarantined item with its bytes. */
export function getQuarantined(id: number): Promise<QuarantineItemDetail> {
  return requestJson("GET", `/api/quarantine/${id}`);
}

/** URL for an item's bytes, exactly as received. */
export function rawQuarantinedUrl(id: number): string {
  return `/api/quarantine/${id}/raw`;
}

/** Dry run: reports what a retry would do. */
export function previewRetry(select: Selection): Promise<Retried> {
  return requestJson("POST", "/api/quarantine/retry", JSON.stringify({ select, dry_run: true }));
}

/** Retries these items. The server skips items that are no longer open. */
export function retryQuarantined(ids: readonly number[]): Promise<Retried> {
  return requestJson("POST", "/api/quarantine/retry", JSON.stringify({ select: { ids } }));
}

/** Dry run: counts the items that would be discarded. */
export function previewDiscard(select: Selection): Promise<Discarded> {
  return requestJson("POST", "/api/quarantine/discard", JSON.stringify({ select, dry_run: true }));
}

/** Discards the selected items if exactly `expect` items match. */
export function discardQuarantined(select: Selection, reason: string, expect: number): Promise<Discarded> {
  return requestJson("POST", "/api/quarantine/discard", JSON.stringify({ select, reason, expect }));
}

/** Fetches a page of refused deliveries, newest first. */
export function listRefusals(cursor: string | null): Promise<List<Refusal>> {
  return requestJson("GET", `/api/refusals?${new URLSearchParams({ limit: "200", cursor: cursor ?? "" })}`);
}

/** Runs the doctor's checks and returns its report. */
export function getSystem(): Promise<Report> {
  return requestJson("GET", "/api/system");
}
