/**
 * The page's only websocket. It resumes from the last cursor after every disconnect. If the server cannot resume from that cursor,
 * listeners are notified that they must refetch. All live data on the page comes from this feed.
 */

import { readonly, ref } from "vue";
import { parseExactly } from "../api/json";
import type {
  ChangedVerdict,
  Filter,
  MailEvent,
  Notification,
  Online,
  ReadMark,
  ServerFrame,
  UnreadMark,
} from "../api/types";
import { checkSession, currentUser, feedAtSignIn, sessionEnded } from "../session";
import { backoff } from "./backoff";

export type LiveState = "connecting" | "live" | "reconnecting" | "offline";

export interface Listener {
  events?(items: readonly MailEvent[]): void;
  notification?(notification: Notification): void;
  /** The user has read notifications, possibly on another page. */
  read?(mark: ReadMark): void;
  /** The user has marked notifications as unread, possibly on another page. */
  unread?(mark: UnreadMark): void;
  /** An event's actor has changed. */
  changed?(verdict: ChangedVerdict): void;
  /** There is a gap in the feed; data must be fetched again. */
  refetch?(): void;
}

/** The server sends a frame at least every 25 s. A socket that is silent for this long is considered dead. */
const SILENCE_TIMEOUT = 60_000;
/** A connection that stays open for this long resets the backoff. */
const STABLE_AFTER = 30_000;
/** How long to wait for the response to a sent notification. */
const ANSWER_TIMEOUT = 10_000;
/** Close code: the session's permissions changed; reconnect without a cursor. */
const RESYNC = 4410;
/** Close codes from this value up mean that the client must not reconnect. 4501 means that the session has ended. */
const TERMINAL = 4500;
/** After a reset, clients spread their refetches over this time. */
const RESET_SPREAD = 2_000;

const state = ref<LiveState>("offline");
const since = ref<Date | null>(null);
const online = ref<Online | null>(null);

export const liveState = readonly(state);
/** Time of the disconnect; null while connected. */
export const offlineSince = readonly(since);
/** Users and connections on all servers. */
export const whoIsOnline = readonly(online);

interface PendingSend {
  resolve(): void;
  reject(error: Error): void;
}

const listeners = new Set<Listener>();
const pendingSends = new Map<string, PendingSend>();
let socket: WebSocket | null = null;
let cursor: string | null = null;
/** The subscribed filter. Empty means every event. */
let filter: Filter = {};
/** Number of unacknowledged subscriptions. Until they are acknowledged, events may still belong to the previous filter. */
let pendingSubscriptions = 0;
/** The server rejected the last filter, so events still belong to the previous one. */
let filterRejected = false;
let attempt = 0;
let nextRef = 0;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let watchdog: ReturnType<typeof setTimeout> | undefined;
let started = false;

/** Adds a listener. Returns a function that removes it. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Subscribes to events that match the filter. Returns a function that removes the filter. The caller must also fetch the list:
 * the fetch covers the events up to the cursor, and the server sends the events after it.
 */
export function follow(next: Filter): () => void {
  setFilter(next);
  return () => {
    if (filter === next) setFilter({});
  };
}

function setFilter(next: Filter): void {
  const changed = JSON.stringify(next) !== JSON.stringify(filter);
  filter = next;
  if (!changed) return;
  if (socket?.readyState === WebSocket.OPEN) subscribe(socket);
}

function subscribe(to: WebSocket): void {
  pendingSubscriptions += 1;
  to.send(JSON.stringify({ type: "subscribe", topics: ["notifications", "events"], filter, after: cursor }));
}

/**
 * Connects, and keeps reconnecting until `stopFeed` is called. Starts at the session's cursor, so that later fetches leave no gap.
 */
export function startFeed(): void {
  if (started) return;
  started = true;
  cursor = feedAtSignIn();
  state.value = "connecting";
  addEventListener("online", connectNow);
  document.addEventListener("visibilitychange", connectWhenVisible);
  connect();
}

/** Disconnects and discards the cursor. */
export function stopFeed(): void {
  started = false;
  cursor = null;
  online.value = null;
  removeEventListener("online", connectNow);
  document.removeEventListener("visibilitychange", connectWhenVisible);
  clearTimeout(retryTimer);
  clearTimeout(watchdog);
  socket?.close(1000);
  socket = null;
  attempt = 0;
  since.value = null;
  rejectPendingSends();
  state.value = "offline";
}

/** Sends a notification to `all`, `user:ID` or `role:NAME`; resolves once it is stored. */
export function notify(to: string, title: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket?.readyState !== WebSocket.OPEN) {
      reject(new Error("There is no live connection at the moment."));
      return;
    }
    const ref = `${++nextRef}`;
    const timer = setTimeout(() => settle(ref, "The server did not answer."), ANSWER_TIMEOUT);
    pendingSends.set(ref, {
      resolve: () => (clearTimeout(timer), resolve()),
      reject: (error) => (clearTimeout(timer), reject(error)),
    });
    socket.send(JSON.stringify({ type: "notify", to, title, body, ref }));
  });
}

/** No responses arrive once the socket is closed. */
function rejectPendingSends(): void {
  for (const ref of pendingSends.keys())
    settle(ref, "The connection was lost. The notification may or may not have been sent.");
}

function settle(ref: string | null, problem: string | null): void {
  const pending = ref === null ? undefined : pendingSends.get(ref);
  if (!pending || ref === null) return;
  pendingSends.delete(ref);
  if (problem === null) pending.resolve();
  else pending.reject(new Error(problem));
}

function connect(): void {
  clearTimeout(retryTimer);
  const address = new URL("/ws", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const created = new WebSocket(address);
  socket = created;
  let stable: ReturnType<typeof setTimeout> | undefined;
  let opened = false;
  created.onopen = () => {
    opened = true;
    stable = setTimeout(() => (attempt = 0), STABLE_AFTER);
    restartWatchdog();
    pendingSubscriptions = 0;
    subscribe(created);
  };
  created.onmessage = (message) => {
    restartWatchdog();
    handleFrame(parseExactly(message.data as string) as ServerFrame);
  };
  created.onclose = (close) => {
    clearTimeout(stable);
    if (socket !== created) return;
    onDisconnect(close.code);
    // A rejected handshake looks like a network failure. Ask the API whether the session has ended.
    if (!opened) void checkSession();
  };
}

function onDisconnect(code: number): void {
  clearTimeout(watchdog);
  socket = null;
  rejectPendingSends();
  if (!started) return;
  if (code === RESYNC) {
    cursor = null;
    void checkSession();
  }
  since.value ??= new Date();
  if (code >= TERMINAL) {
    state.value = "offline";
    if (code === TERMINAL + 1) sessionEnded();
    return;
  }
  state.value = navigator.onLine ? "reconnecting" : "offline";
  retryTimer = setTimeout(connect, backoff(attempt++, Math.random()));
}

function connectNow(): void {
  if (started && socket === null) connect();
}

function connectWhenVisible(): void {
  if (document.visibilityState === "visible") connectNow();
}

/** Closes the socket after a long silence, since a half-open connection raises no error. */
function restartWatchdog(): void {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => socket?.close(), SILENCE_TIMEOUT);
}

function handleFrame(frame: ServerFrame): void {
  if (frame.type === "subscribed") {
    pendingSubscriptions -= 1;
    filterRejected = false;
  }
  if (frame.type === "error" && frame.code === "bad_filter") {
    pendingSubscriptions -= 1;
    filterRejected = true;
  }
  if (frame.type === "events" && (pendingSubscriptions > 0 || filterRejected)) return;
  if (pendingSubscriptions === 0 && "cursor" in frame && frame.cursor !== undefined && frame.type !== "hello")
    cursor = frame.cursor;
  switch (frame.type) {
    case "hello":
      online.value = frame.online;
      // Another user signed in from another tab, or what the user may see has changed: this page shows something else.
      if (JSON.stringify(frame.user) !== JSON.stringify(currentUser.value)) void checkSession();
      break;
    case "presence":
      online.value = frame.online;
      break;
    case "subscribed":
      state.value = "live";
      since.value = null;
      if (!frame.recovered && pendingSubscriptions === 0) notifyListeners((listener) => listener.refetch?.());
      break;
    case "events":
      notifyListeners((listener) => listener.events?.(frame.items));
      if (frame.skipped) notifyListeners((listener) => listener.refetch?.());
      break;
    case "notification":
      notifyListeners((listener) => listener.notification?.(frame));
      break;
    case "read":
      notifyListeners((listener) => listener.read?.(frame));
      break;
    case "unread":
      notifyListeners((listener) => listener.unread?.(frame));
      break;
    case "changed":
      notifyListeners((listener) => listener.changed?.(frame));
      break;
    case "reset":
      setTimeout(() => notifyListeners((listener) => listener.refetch?.()), Math.random() * RESET_SPREAD);
      break;
    case "sent":
      settle(frame.ref, null);
      break;
    case "error":
      settle(frame.ref, frame.detail);
      break;
    case "heartbeat":
      break;
  }
}

function notifyListeners(call: (listener: Listener) => void): void {
  for (const listener of listeners) call(listener);
}
