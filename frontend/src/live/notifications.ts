/** The user's notifications: history from the server, with live notifications at the top. */

import { computed, readonly, ref, shallowRef } from "vue";
import * as api from "../api/client";
import type { ChangedVerdict, Inbox, InboxNotification, Notification, ReadMark, UnreadMark } from "../api/types";
import { currentUser } from "../session";
import { discardPending, showOnDesktop } from "./desktop";
import { listen } from "./feed";
import { liveList } from "./list";

/** Maximum number of visible toasts. */
const MAX_TOASTS = 3;
/** In milliseconds. */
const TOAST_DURATION = 6_000;
/** Maximum number of notifications in memory. */
const MAX_ITEMS = 1_000;

const list = liveList<InboxNotification>(fetchPage, MAX_ITEMS);
const unreadCount = ref(0);
const visibleToasts = shallowRef<readonly Notification[]>([]);
const undoable = shallowRef<readonly number[]>([]);
/** Ids of recent live notifications. */
const toasted = new Set<number>();
let stopListening: () => void = () => {};

/** Newest first. */
export const notifications = list.items;
/** Whether older notifications can be fetched. */
export const hasOlder = computed(() => list.next.value !== null && list.items.value.length < MAX_ITEMS);
/** Error message of the last fetch, or null. */
export const notificationsProblem = list.problem;
export const notificationsLoading = list.loading;
/** Fetches the next older page. */
export const fetchOlder = list.older;
/** Fetches again from the top. */
export const fetchAgain = list.refill;
/** The latest notifications, each for a few seconds. */
export const toasts = readonly(visibleToasts);
/** Number of unread notifications. */
export const unread = readonly(unreadCount);

/** Ids of what was last marked as read together, until it is undone or forgotten. */
export const lastRead = readonly(undoable);

export function startNotifications(): void {
  stopListening = listen({
    notification: receive,
    read: applyMark,
    unread: applyMark,
    changed: applyVerdict,
    refetch: () => void list.refill(),
  });
  void list.refill();
}

export function stopNotifications(): void {
  stopListening();
  discardPending();
  list.clear();
  visibleToasts.value = [];
  toasted.clear();
  unreadCount.value = 0;
  forgetLastRead();
}

async function fetchPage(cursor: string | null): Promise<Inbox> {
  const page = await api.listNotifications(cursor);
  unreadCount.value = page.unread;
  return page;
}

/** Marks notifications as read that were on the screen long enough. If this fails, they stay unread. */
export function markSeen(ids: readonly number[]): void {
  const unreadIds = list.items.value.filter(({ id, read }) => !read && ids.includes(id)).map(({ id }) => id);
  if (unreadIds.length === 0) return;
  void api.markAsRead({ ids: unreadIds }).then(
    ({ marked, unread: count }) => {
      undoable.value = marked;
      applyMark({ ids: unreadIds, up_to: null, unread: count });
    },
    () => {},
  );
}

/**
 * Marks one notification as read, here and on the user's other pages.
 *
 * @throws {api.Problem}
 */
export async function markOne(id: number): Promise<ReadMark> {
  const { unread: count } = await api.markAsRead({ ids: [id] });
  return applyMark({ ids: [id], up_to: null, unread: count });
}

/**
 * Marks all notifications as read, including older ones that are not loaded.
 *
 * @throws {api.Problem}
 */
export async function markAll(): Promise<ReadMark> {
  const newest = list.items.value[0]?.id ?? 0;
  const { marked, unread: count } = await api.markAsRead({ up_to: newest });
  undoable.value = marked;
  return applyMark({ ids: [], up_to: newest, unread: count });
}

/**
 * Marks notifications as unread, here and on the user's other pages.
 *
 * @throws {api.Problem}
 */
export async function markUnread(ids: readonly number[]): Promise<UnreadMark> {
  const { unread: count } = await api.markAsUnread(ids);
  forgetLastRead();
  return applyMark({ ids, unread: count });
}

export function forgetLastRead(): void {
  undoable.value = [];
}

/** The notification with its state after a mark. */
export function withMark(item: InboxNotification, mark: ReadMark | UnreadMark): InboxNotification {
  const reads = "up_to" in mark;
  const covered = mark.ids.includes(item.id) || (reads && item.id <= (mark.up_to ?? 0));
  return covered && item.read !== reads && !isOwn(item) ? { ...item, read: reads } : item;
}

function applyMark<T extends ReadMark | UnreadMark>(mark: T): T {
  unreadCount.value = mark.unread;
  list.update((item) => withMark(item, mark));
  return mark;
}

function applyVerdict(verdict: ChangedVerdict): void {
  list.update((item) => withVerdict(item, verdict));
  visibleToasts.value = visibleToasts.value.map((toast) => withVerdict(toast, verdict));
}

/** The notification with its event's new actor, if the verdict is about its event. */
export function withVerdict<T extends Notification>(item: T, { id, actor, reason }: ChangedVerdict): T {
  return item.event_id === id ? { ...item, actor, actor_reason: reason } : item;
}

/** Whether the signed-in user sent the notification. It then counts as read. */
export function isOwn(notification: Notification): boolean {
  return notification.from?.id === currentUser.value?.id;
}

export function dismiss(id: number): void {
  visibleToasts.value = visibleToasts.value.filter((toast) => toast.id !== id);
}

function receive(notification: Notification): void {
  // Ignore repeats from the feed. A notification that a fetch already returned still needs its toast.
  if (toasted.has(notification.id)) return;
  toasted.add(notification.id);
  const [oldest] = toasted;
  if (toasted.size > MAX_ITEMS && oldest !== undefined) toasted.delete(oldest);
  const own = isOwn(notification);
  if (!own) showOnDesktop(notification);
  if (!list.items.value.some((known) => known.id === notification.id)) {
    list.add([{ ...notification, read: own }]);
    if (!own) unreadCount.value += 1;
  }
  visibleToasts.value = [notification, ...visibleToasts.value].slice(0, MAX_TOASTS);
  setTimeout(() => dismiss(notification.id), TOAST_DURATION);
}
