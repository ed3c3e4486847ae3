/**
 * The only websocket of the page. It resumes after every cut from the last cursor, and says when continuity was lost, so
 * that lists can be fetched again. Whoever shows live data listens here.
 */

import { readonly, ref } from "vue";
import type { MailEvent, Notification, Online, ServerFrame } from "../api/types";
import { sessionEnded } from "../session";
import { backoff } from "./backoff";

export type LiveState = "connecting" | "live" | "reconnecting" | "offline";

export interface Listener {
  events?(items: readonly MailEvent[]): void;
  notification?(notification: Notification): void;
  /** What was missed cannot be told: fetch again. Also called once when the first subscription stands. */
  refetch?(): void;
}

/** The server sends something every 25 s; a socket silent for longer than this is dead. */
const SILENCE = 60_000;
/** A connection that held so long starts the waiting over. */
const STABLE = 30_000;
/** An answer that takes longer will not come. */
const ANSWER = 10_000;
/** The session is over; anything else between 4500 and 4999 would refuse us again, too. */
const SIGNED_OUT = 4501;

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

/** Connects, and stays connected until `stopFeed`. */
export function startFeed(): void {
  if (wanted) return;
  wanted = true;
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
  opened.onopen = () => {
    stable = setTimeout(() => (attempt = 0), STABLE);
    watch();
    opened.send(JSON.stringify({ type: "subscribe", topics: ["notifications", "events"], after: cursor }));
  };
  opened.onmessage = (message) => {
    watch();
    take(JSON.parse(message.data as string) as ServerFrame);
  };
  opened.onclose = (close) => {
    clearTimeout(stable);
    if (socket === opened) lost(close.code);
  };
}

function lost(code: number): void {
  clearTimeout(watchdog);
  socket = null;
  for (const ref of waiting.keys()) settle(ref, "The connection was lost; it is not known whether this was sent.");
  if (!wanted) return;
  if (code === SIGNED_OUT) {
    sessionEnded();
    return;
  }
  since.value ??= new Date();
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
  if ("cursor" in frame && frame.cursor !== undefined && frame.type !== "hello") cursor = frame.cursor;
  switch (frame.type) {
    case "hello":
    case "presence":
      online.value = frame.online;
      break;
    case "subscribed":
      state.value = "live";
      since.value = null;
      if (!frame.recovered) tell((listener) => listener.refetch?.());
      break;
    case "events":
      tell((listener) => listener.events?.(frame.items));
      if (frame.skipped) tell((listener) => listener.refetch?.());
      break;
    case "notification":
      tell((listener) => listener.notification?.(frame));
      break;
    case "reset":
      tell((listener) => listener.refetch?.());
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
