/** What the signed-in user was told: history from the server, with what arrives live on top. */

import { computed, readonly, ref, shallowRef } from "vue";
import * as api from "../api/client";
import type { Inbox, Notification, ReadMark, Told } from "../api/types";
import { currentUser } from "../session";
import { forgetOutside, tellOutside } from "./desktop";
import { listen } from "./feed";
import { liveList } from "./list";

/** Toasts on the screen at once. */
const MOST_TOASTS = 3;
const TOAST_STAYS = 6_000;
/** The longest list kept; the rest is at the server. */
const MOST = 1_000;
/** In a burst that is being looked at, the server is told so often that it was read. */
const MARK_EVERY = 1_000;

const list = liveList<Told>(fetchPage, MOST);
const left = ref(0);
const shown = shallowRef<readonly Notification[]>([]);
/** What came live lately. */
const told = new Set<number>();
let marking: ReturnType<typeof setTimeout> | undefined;
let stop: () => void = () => {};

/** Newest first. */
export const notifications = list.items;
/** Whether there are older ones. */
export const hasOlder = computed(() => list.next.value !== null && list.items.value.length < MOST);
/** Why the history could not be fetched. */
export const notificationsProblem = list.problem;
/** Whether it is being fetched. */
export const notificationsLoading = list.loading;
/** Fetches the next older page. */
export const fetchOlder = list.older;
/** Fetches again from the top. */
export const fetchAgain = list.refill;
/** The latest few, for a moment. */
export const toasts = readonly(shown);
/** How many the user has not read, on whichever page. */
export const unread = readonly(left);

export function startNotifications(): void {
  stop = listen({ notification: take, read: takeMark, refetch: () => void list.refill() });
  void list.refill();
}

export function stopNotifications(): void {
  stop();
  forgetOutside();
  clearTimeout(marking);
  marking = undefined;
  list.clear();
  shown.value = [];
  told.clear();
  left.value = 0;
}

async function fetchPage(cursor: string | null): Promise<Inbox> {
  const page = await api.listNotifications(cursor);
  left.value = page.unread;
  return page;
}

/** The user looks at the list: what is in it is read, here and, once the server knows, on their other pages. */
export function markRead(): void {
  const newest = list.items.value[0];
  if (left.value === 0 || newest === undefined) return;
  takeMark({ ids: [], up_to: newest.id, unread: 0 });
  marking ??= setTimeout(() => {
    marking = undefined;
    const upTo = list.items.value[0]?.id;
    // Should it fail, the next fetch tells how it is.
    if (upTo !== undefined)
      void api.readUpTo(upTo).then(
        (unread) => (left.value = unread),
        () => {},
      );
  }, MARK_EVERY);
}

/**
 * Marks one as read, here and on the user's other pages.
 *
 * @throws {api.Problem}
 */
export async function markOne(id: number): Promise<ReadMark> {
  return takeMark({ ids: [id], up_to: null, unread: await api.readThese([id]) });
}

/**
 * Marks everything told so far as read, looked at or not.
 *
 * @throws {api.Problem}
 */
export async function markAll(): Promise<ReadMark> {
  const newest = list.items.value[0]?.id ?? 0;
  return takeMark({ ids: [], up_to: newest, unread: await api.readUpTo(newest) });
}

/** Whether a mark says so of a notification. */
export function isMarked(one: Told, mark: ReadMark): boolean {
  return mark.ids.includes(one.id) || one.id <= (mark.up_to ?? 0);
}

function takeMark(mark: ReadMark): ReadMark {
  left.value = mark.unread;
  list.update((one) => (!one.read && isMarked(one, mark) ? { ...one, read: true } : one));
  return mark;
}

/** Whether the signed-in user sent it themselves: then it counts as read. */
export function isOwn(one: Notification): boolean {
  return one.from?.id === currentUser.value?.id;
}

export function dismiss(id: number): void {
  shown.value = shown.value.filter((one) => one.id !== id);
}

function take(notification: Notification): void {
  // What comes again was told before. What a fetch has brought meanwhile was not, and is told too.
  if (told.has(notification.id)) return;
  told.add(notification.id);
  const [oldest] = told;
  if (told.size > MOST && oldest !== undefined) told.delete(oldest);
  const own = isOwn(notification);
  if (!own) tellOutside(notification);
  if (!list.items.value.some((known) => known.id === notification.id)) {
    list.add([{ ...notification, read: own }]);
    if (!own) left.value += 1;
  }
  shown.value = [notification, ...shown.value].slice(0, MOST_TOASTS);
  setTimeout(() => dismiss(notification.id), TOAST_STAYS);
}
