import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Notification as MailNotification } from "../api/types";

const shown: [string, string][] = [];
let permissionRequests = 0;
let click: () => void = () => {};
class FakeNotification {
  static permission = "default";
  static requestPermission(): Promise<string> {
    permissionRequests += 1;
    FakeNotification.permission = "granted";
    return Promise.resolve("granted");
  }
  onclick: () => void = () => {};
  close(): void {}
  constructor(title: string, options: { body: string }) {
    shown.push([title, options.body]);
    click = () => this.onclick();
  }
}
const page = { visibilityState: "hidden" };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("Notification", FakeNotification);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const notification = (title: string): MailNotification => ({ title, body: "Madrid" }) as MailNotification;

test("permission is requested only when turned on, and a burst while the page is hidden shows one notification", async () => {
  const { desktopState, switchOff, switchOn, showOnDesktop } = await import("./desktop");
  vi.stubGlobal("document", page);
  showOnDesktop(notification("before"));
  vi.runAllTimers();
  expect([permissionRequests, shown.length, desktopState.value]).toEqual([0, 0, "off"]);
  await switchOn();
  expect([permissionRequests, desktopState.value]).toEqual([1, "on"]);

  showOnDesktop(notification("one"));
  vi.advanceTimersByTime(0);
  expect(shown).toEqual([["one", "Madrid"]]);
  for (const title of ["two", "three", "four"]) showOnDesktop(notification(title));
  vi.advanceTimersByTime(4_000);
  expect(shown).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  expect(shown.slice(1)).toEqual([["four", "Madrid\nand 2 more"]]);

  page.visibilityState = "visible";
  showOnDesktop(notification("while visible"));
  vi.runAllTimers();
  page.visibilityState = "hidden";
  switchOff();
  showOnDesktop(notification("while off"));
  vi.runAllTimers();
  expect(shown).toHaveLength(2);
});

test("a click focuses the page and opens the latest notification", async () => {
  const { onNotificationClick, switchOn, showOnDesktop } = await import("./desktop");
  const focus = vi.fn();
  vi.stubGlobal("document", page);
  vi.stubGlobal("focus", focus);
  await switchOn();
  const clicked: string[] = [];
  onNotificationClick(({ title }) => clicked.push(title));
  for (const title of ["five", "six"]) showOnDesktop(notification(title));
  vi.runAllTimers();
  click();
  expect([clicked, focus.mock.calls.length]).toEqual([["six"], 1]);
});
