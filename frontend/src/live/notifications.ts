/** What the signed-in user was told: history from the server, with what arrives live merged in by id. */

import { computed, readonly, ref, shallowRef } from "vue";
import * as api from "../api/client";
import type { Notification } from "../api/types";
import { listen } from "./feed";
import { merge } from "./merge";

/** Toasts on the screen at once. */
const MOST_TOASTS = 3;
const TOAST_STAYS = 6_000;
/** The longest list kept; the rest is at the server. */
const MOST = 1_000;

const items = shallowRef<readonly Notification[]>([]);
const next = ref<string | null>(null);
const problem = ref<string | null>(null);
const loading = ref(false);
const newest = ref(0);
const shown = shallowRef<readonly Notification[]>([]);
let stop: () => void = () => {};

/** Newest first. */
export const notifications = readonly(items);
/** Whether there are older ones. */
export const hasOlder = computed(() => next.value !== null);
/** Why the history could not be fetched. */
export const notificationsProblem = readonly(problem);
/** Whether it is being fetched. */
export const notificationsLoading = readonly(loading);
/** The latest few, for a moment. */
export const toasts = readonly(shown);
/** How many came since the list was last looked at. */
export const unseen = computed(() => items.value.filter((one) => one.id > newest.value).length);

export function startNotifications(): void {
  stop = listen({ notification: take, refetch: () => void fetchNewest() });
  void fetchNewest().then(markSeen);
}

export function stopNotifications(): void {
  stop();
  items.value = [];
  shown.value = [];
  next.value = null;
  newest.value = 0;
}

/** Nothing in the list is new any more. */
export function markSeen(): void {
  newest.value = items.value[0]?.id ?? newest.value;
}

/** Fetches the page after the oldest one known. */
export function fetchOlder(): Promise<void> {
  return fetchPage(next.value);
}

export function dismiss(id: number): void {
  shown.value = shown.value.filter((one) => one.id !== id);
}

function fetchNewest(): Promise<void> {
  return fetchPage(null);
}

async function fetchPage(cursor: string | null): Promise<void> {
  loading.value = true;
  try {
    const page = await api.listNotifications(cursor);
    const connects = cursor !== null || page.items.some((item) => items.value.some((known) => known.id === item.id));
    // A page that does not reach what is known would leave a gap: begin anew.
    if (!connects || items.value.length === 0) next.value = page.next;
    else if (cursor !== null) next.value = page.next;
    items.value = merge(connects ? items.value : [], page.items, MOST);
    problem.value = null;
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error);
  } finally {
    loading.value = false;
  }
}

function take(notification: Notification): void {
  if (items.value.some((known) => known.id === notification.id)) return;
  items.value = merge(items.value, [notification], MOST);
  shown.value = [notification, ...shown.value].slice(0, MOST_TOASTS);
  setTimeout(() => dismiss(notification.id), TOAST_STAYS);
}
