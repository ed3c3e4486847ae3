/**
 * The only websocket of the page. It resumes after every cut from the last cursor, and says when continuity was lost, so
 * that lists can be fetched again. Whoever shows live data listens here.
 */

import { readonly, ref } from "vue";
import type { Filter, MailEvent, Notification, Online, ReadMark, ServerFrame } from "../api/types";
import { checkSession, currentUser, feedAtSignIn, sessionEnded } from "../session";
import { backoff } from "./backoff";

export type LiveState = "connecting" | "live" | "reconnecting" | "offline";

export interface Listener {
  events?(items: readonly MailEvent[]): void;
  notification?(notification: Notification): void;
  /** The user has read something, perhaps on another page. */
  read?(mark: ReadMark): void;
  /** What was missed cannot be told: fetch again. */
  refetch?(): void;
}

/** The server sends something every 25 s; a socket silent for longer than this is dead. */
const SILENCE = 60_000;
/** A connection that held so long starts the waiting over. */
const STABLE = 30_000;
/** An answer that takes longer will not come. */
const ANSWER = 10_000;
/** What the session may see has changed: begin anew. */
const RESYNC = 4410;
/** From here on the server would refuse us again; 4501 says that the session is over. */
const TERMINAL = 4500;
/** After a reset everybody fetches again, but not all in the same instant. */
const RESET_SPREAD = 2_000;

const state = ref<LiveState>("offline");
const since = ref<Date | null>(null);
const online = ref<Online | null>(null);

/** Whether what is shown is live. */
export const liveState = readonly(state);
/** Since when it is not. */
export const offlineSince = readonly(since);
/** Who is here, over all servers. */
export const whoIsOnline = readonly(online);

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

const listeners = new Set<Listener>();
const waiting = new Map<string, Waiting>();
let socket: WebSocket | null = null;
let cursor: string | null = null;
/** Which events the server is asked for; everything, unless a page wants less. */
let filter: Filter = {};
/** Subscriptions that are not answered yet. Events that come meanwhile may be of the one before. */
let unanswered = 0;
/** The last subscription was refused: events are still those of the one before. */
let refusedFilter = false;
let attempt = 0;
let nextRef = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let watchdog: ReturnType<typeof setTimeout> | undefined;
let wanted = false;

/** Listens until the function it gives is called. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Asks for events that match alone, until the function it gives is called. Whoever asks also fetches, then or later: that has what
 * came up to the cursor, and the server sends what came after it.
 */
export function follow(wantedFilter: Filter): () => void {
  choose(wantedFilter);
  return () => {
    if (filter === wantedFilter) choose({});
  };
}

function choose(next: Filter): void {
  const changed = JSON.stringify(next) !== JSON.stringify(filter);
  filter = next;
  if (!changed) return;
  if (socket?.readyState === WebSocket.OPEN) subscribe(socket);
}

function subscribe(to: WebSocket): void {
  unanswered += 1;
  to.send(JSON.stringify({ type: "subscribe", topics: ["notifications", "events"], filter, after: cursor }));
}

/** Connects, and stays connected until `stopFeed`. Follows on what is fetched from now on. */
export function startFeed(): void {
  if (wanted) return;
  wanted = true;
  cursor = feedAtSignIn();
  state.value = "connecting";
  addEventListener("online", connectNow);
  document.addEventListener("visibilitychange", connectWhenSeen);
  connect();
}

/** Disconnects and forgets where it was. */
export function stopFeed(): void {
  wanted = false;
  cursor = null;
  online.value = null;
  removeEventListener("online", connectNow);
  document.removeEventListener("visibilitychange", connectWhenSeen);
  clearTimeout(retry);
  clearTimeout(watchdog);
  socket?.close(1000);
  socket = null;
  attempt = 0;
  since.value = null;
  abandon();
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
    const timer = setTimeout(() => settle(ref, "The server did not answer."), ANSWER);
    waiting.set(ref, {
      resolve: () => (clearTimeout(timer), resolve()),
      reject: (error) => (clearTimeout(timer), reject(error)),
    });
    socket.send(JSON.stringify({ type: "notify", to, title, body, ref }));
  });
}

/** Nothing more will be answered on this socket. */
function abandon(): void {
  for (const ref of waiting.keys()) settle(ref, "The connection was lost; it is not known whether this was sent.");
}

function settle(ref: string | null, problem: string | null): void {
  const one = ref === null ? undefined : waiting.get(ref);
  if (!one || ref === null) return;
  waiting.delete(ref);
  if (problem === null) one.resolve();
  else one.reject(new Error(problem));
}

function connect(): void {
  clearTimeout(retry);
  const address = new URL("/ws", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const opened = new WebSocket(address);
  socket = opened;
  let stable: ReturnType<typeof setTimeout> | undefined;
  let refused = true;
  opened.onopen = () => {
    refused = false;
    stable = setTimeout(() => (attempt = 0), STABLE);
    watch();
    unanswered = 0;
    subscribe(opened);
  };
  opened.onmessage = (message) => {
    watch();
    take(JSON.parse(message.data as string) as ServerFrame);
  };
  opened.onclose = (close) => {
    clearTimeout(stable);
    if (socket !== opened) return;
    lost(close.code);
    // A refusal looks like a broken line; whether it means that the session is over, the API tells.
    if (refused) void checkSession();
  };
}

function lost(code: number): void {
  clearTimeout(watchdog);
  socket = null;
  abandon();
  if (!wanted) return;
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
  retry = setTimeout(connect, backoff(attempt++, Math.random()));
}

function connectNow(): void {
  if (wanted && socket === null) connect();
}

function connectWhenSeen(): void {
  if (document.visibilityState === "visible") connectNow();
}

/** A half-open connection says nothing, and would never be noticed. */
function watch(): void {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => socket?.close(), SILENCE);
}

function take(frame: ServerFrame): void {
  if (frame.type === "subscribed") {
    unanswered -= 1;
    refusedFilter = false;
  }
  if (frame.type === "error" && frame.code === "bad_filter") {
    unanswered -= 1;
    refusedFilter = true;
  }
  if (frame.type === "events" && (unanswered > 0 || refusedFilter)) return;
  if (unanswered === 0 && "cursor" in frame && frame.cursor !== undefined && frame.type !== "hello")
    cursor = frame.cursor;
  switch (frame.type) {
    case "hello":
      online.value = frame.online;
      // Somebody else signed in, in another tab: what was known is not theirs.
      if (frame.user.id !== currentUser.value?.id) void checkSession();
      break;
    case "presence":
      online.value = frame.online;
      break;
    case "subscribed":
      state.value = "live";
      since.value = null;
      if (!frame.recovered && unanswered === 0) tell((listener) => listener.refetch?.());
      break;
    case "events":
      tell((listener) => listener.events?.(frame.items));
      if (frame.skipped) tell((listener) => listener.refetch?.());
      break;
    case "notification":
      tell((listener) => listener.notification?.(frame));
      break;
    case "read":
      tell((listener) => listener.read?.(frame));
      break;
    case "reset":
      setTimeout(() => tell((listener) => listener.refetch?.()), Math.random() * RESET_SPREAD);
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

function tell(each: (listener: Listener) => void): void {
  for (const listener of listeners) each(listener);
}
