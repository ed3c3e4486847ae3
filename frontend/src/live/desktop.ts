/**
 * Notifications outside the page, while it is hidden. The browser is asked for its permission when the user wants them, and never
 * before.
 */

import { computed, ref } from "vue";
import type { Notification as Told } from "../api/types";
import { desktop } from "../preferences";

/** In a burst, one tells of the others. */
const EVERY = 5_000;

const isThere = "Notification" in globalThis;
const permission = ref(isThere ? Notification.permission : "denied");

/** Whether they are shown, could be, or why they cannot. */
export const desktopState = computed<"on" | "off" | "refused" | "missing">(() => {
  if (!isThere) return "missing";
  if (permission.value === "denied") return "refused";
  return desktop.value === "on" && permission.value === "granted" ? "on" : "off";
});

/** Asks the browser, which asks the user. */
export async function switchOn(): Promise<void> {
  if (!isThere) return;
  permission.value = await Notification.requestPermission();
  if (permission.value === "granted") desktop.value = "on";
}

export function switchOff(): void {
  desktop.value = "off";
}

let follow: (told: Told) => void = () => {};

/** Has `go` called with the notification that was clicked. */
export function onFollowed(go: (told: Told) => void): void {
  follow = go;
}

let latest: Told | null = null;
let waiting = 0;
let last = -EVERY;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Shows it, if that is wanted and nobody looks at the page. */
export function tellOutside(told: Told): void {
  if (desktopState.value !== "on" || document.visibilityState === "visible") return;
  latest = told;
  waiting += 1;
  timer ??= setTimeout(show, Math.max(0, last + EVERY - performance.now()));
}

/** Nobody is to see what waits: somebody signed out. */
export function forgetOutside(): void {
  clearTimeout(timer);
  timer = undefined;
  [latest, waiting] = [null, 0];
}

function show(): void {
  timer = undefined;
  const [told, others] = [latest, waiting - 1];
  [latest, waiting] = [null, 0];
  if (told === null || document.visibilityState === "visible") return;
  last = performance.now();
  const more = others > 0 ? `and ${others} more` : "";
  const body = [told.body, more].filter(Boolean).join("\n");
  // By its tag, a later one takes the place of the one before, also of another tab's.
  const shown = new Notification(told.title, { body, tag: "mandrill-listener", icon: "/mark.svg" });
  shown.onclick = () => {
    focus();
    shown.close();
    follow(told);
  };
}
