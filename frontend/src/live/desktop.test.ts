import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Notification as Told } from "../api/types";

const shown: [string, string][] = [];
let asked = 0;
let click: () => void = () => {};
class Fake {
  static permission = "default";
  static requestPermission(): Promise<string> {
    asked += 1;
    Fake.permission = "granted";
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
  vi.stubGlobal("Notification", Fake);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const told = (title: string): Told => ({ title, body: "Madrid" }) as Told;

test("the browser is asked when that is wanted alone, and shows what comes while the page is hidden, few in a burst", async () => {
  const { desktopState, switchOff, switchOn, tellOutside } = await import("./desktop");
  vi.stubGlobal("document", page);
  tellOutside(told("before"));
  vi.runAllTimers();
  expect([asked, shown.length, desktopState.value]).toEqual([0, 0, "off"]);
  await switchOn();
  expect([asked, desktopState.value]).toEqual([1, "on"]);

  tellOutside(told("one"));
  vi.advanceTimersByTime(0);
  expect(shown).toEqual([["one", "Madrid"]]);
  for (const title of ["two", "three", "four"]) tellOutside(told(title));
  vi.advanceTimersByTime(4_000);
  expect(shown).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  expect(shown.slice(1)).toEqual([["four", "Madrid\nand 2 more"]]);

  page.visibilityState = "visible";
  tellOutside(told("seen"));
  vi.runAllTimers();
  page.visibilityState = "hidden";
  switchOff();
  tellOutside(told("unwanted"));
  vi.runAllTimers();
  expect(shown).toHaveLength(2);
});

test("a click brings the page back, and leads to what was told last", async () => {
  const { onFollowed, switchOn, tellOutside } = await import("./desktop");
  const focus = vi.fn();
  vi.stubGlobal("document", page);
  vi.stubGlobal("focus", focus);
  await switchOn();
  const followed: string[] = [];
  onFollowed(({ title }) => followed.push(title));
  for (const title of ["five", "six"]) tellOutside(told(title));
  vi.runAllTimers();
  click();
  expect([followed, focus.mock.calls.length]).toEqual([["six"], 1]);
});
