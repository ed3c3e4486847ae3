/**
 * Desktop notifications, shown while the page is hidden. Permission is requested only when the user turns them on.
 */

import { computed, ref } from "vue";
import type { Notification as MailNotification } from "../api/types";
import { desktop } from "../preferences";

/** Minimum interval in milliseconds. During a burst, a single notification represents the others. */
const MIN_INTERVAL = 5_000;

const isSupported = "Notification" in globalThis;
const permission = ref(isSupported ? Notification.permission : "denied");

/** `refused`: the user denied permission. `missing`: the browser does not support them. */
export const desktopState = computed<"on" | "off" | "refused" | "missing">(() => {
  if (!isSupported) return "missing";
  if (permission.value === "denied") return "refused";
  return desktop.value === "on" && permission.value === "granted" ? "on" : "off";
});

/** Requests permission, and turns desktop notifications on if the user grants it. */
export async function switchOn(): Promise<void> {
  if (!isSupported) return;
  permission.value = await Notification.requestPermission();
  if (permission.value === "granted") desktop.value = "on";
}

export function switchOff(): void {
  desktop.value = "off";
}

let clickHandler: (notification: MailNotification) => void = () => {};

/** Sets the callback that receives the notification the user clicks. */
export function onNotificationClick(handler: (notification: MailNotification) => void): void {
  clickHandler = handler;
}

let latest: MailNotification | null = null;
let pending = 0;
let shownAt = -MIN_INTERVAL;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Shows a notification if desktop notifications are on and the page is hidden. */
export function showOnDesktop(notification: MailNotification): void {
  if (desktopState.value !== "on" || document.visibilityState === "visible") return;
  latest = notification;
  pending += 1;
  timer ??= setTimeout(show, Math.max(0, shownAt + MIN_INTERVAL - performance.now()));
}

/** Drops pending notifications when the user signs out. */
export function discardPending(): void {
  clearTimeout(timer);
  timer = undefined;
  [latest, pending] = [null, 0];
}

function show(): void {
  timer = undefined;
  const [notification, others] = [latest, pending - 1];
  [latest, pending] = [null, 0];
  if (notification === null || document.visibilityState === "visible") return;
  shownAt = performance.now();
  const more = others > 0 ? `and ${others} more` : "";
  const body = [notification.body, more].filter(Boolean).join("\n");
  // With the same tag, a new notification replaces the previous one, including one from another tab.
  const shown = new Notification(notification.title, { body, tag: "mandrill-listener", icon: "/mark.svg" });
  shown.onclick = () => {
    focus();
    shown.close();
    clickHandler(notification);
  };
}
