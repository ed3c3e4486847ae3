/** What the signed-in user was told: history from the server, with what arrives live on top. */

import { computed, readonly, ref, shallowRef, watch } from "vue";
import * as api from "../api/client";
import type { Notification } from "../api/types";
import { listen } from "./feed";
import { liveList } from "./list";

/** Toasts on the screen at once. */
const MOST_TOASTS = 3;
const TOAST_STAYS = 6_000;
/** The longest list kept; the rest is at the server. */
const MOST = 1_000;

const list = liveList<Notification>(api.listNotifications, MOST);
const newest = ref(0);
const shown = shallowRef<readonly Notification[]>([]);
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
/** How many came since the list was last looked at. */
export const unseen = computed(() => list.items.value.filter((one) => one.id > newest.value).length);

export function startNotifications(): void {
  stop = listen({ notification: take, refetch: () => void list.refill() });
  void list.refill();
}

export function stopNotifications(): void {
  stop();
  list.clear();
  shown.value = [];
  newest.value = 0;
}

// What was there before is not new.
watch(list.loaded, (loaded) => loaded && markSeen(), { flush: "sync" });

/** Nothing in the list is new any more. */
export function markSeen(): void {
  newest.value = list.items.value[0]?.id ?? newest.value;
}

export function dismiss(id: number): void {
  shown.value = shown.value.filter((one) => one.id !== id);
}

function take(notification: Notification): void {
  if (list.items.value.some((known) => known.id === notification.id)) return;
  list.add([notification]);
  shown.value = [notification, ...shown.value].slice(0, MOST_TOASTS);
  setTimeout(() => dismiss(notification.id), TOAST_STAYS);
}
