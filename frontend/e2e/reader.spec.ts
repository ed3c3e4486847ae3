import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { deliver, event, expect, signIn, test } from "./support";

const menu = (page: Page) => page.getByRole("button", { name: /Your account/ });
const help = (page: Page) => page.getByRole("dialog", { name: "Keyboard shortcuts" });

test("shortcuts navigate, and are ignored while typing, in dialogs and when turned off", async ({ page }) => {
  await signIn(page);
  for (const [keys, path, title] of [
    ["gq", "/quarantine", "Quarantine"],
    ["gn", "/notifications", "Notifications"],
    ["gy", "/system", "System"],
    ["gm", "/simulate", "Simulate"],
  ] as const) {
    await page.keyboard.type(keys);
    await expect(page).toHaveURL(path);
    await expect(page.getByRole("heading", { level: 1, name: title })).toBeFocused();
  }
  await page.getByLabel("Batch").focus();
  await page.keyboard.type("ge?/");
  await expect(page.getByLabel("Batch")).toHaveValue(/ge\?\//);
  await page.getByRole("heading", { level: 1 }).focus();
  await page.keyboard.press("Control+g");
  await page.keyboard.press("x");
  await page.keyboard.press("e");
  await expect(page).toHaveURL("/simulate");

  await page.keyboard.press("?");
  await expect(help(page)).toBeVisible();
  await page.keyboard.type("ge");
  await expect(page).toHaveURL("/simulate");
  await help(page).getByLabel("Keyboard shortcuts").uncheck();
  await page.keyboard.press("Escape");
  await expect(help(page)).toBeHidden();
  await page.keyboard.type("ge?");
  await expect(help(page)).toBeHidden();
  await expect(page).toHaveURL("/simulate");
  await page.reload();
  await menu(page).click();
  await expect(page.getByLabel("Keyboard shortcuts", { exact: true })).not.toBeChecked();
  await page.getByRole("button", { name: "Show the keyboard shortcuts" }).click();
  await help(page).getByLabel("Keyboard shortcuts").check();
  await help(page).getByRole("button", { name: "Close" }).click();
  // The search shortcut works from any page.
  await deliver([event("send")]);
  await page.goto("/system");
  await expect(page.getByRole("heading", { level: 1, name: "System" })).toBeVisible();
  await page.keyboard.press("/");
  await expect(page).toHaveURL("/");
  await expect(page.getByRole("combobox", { name: "Search events" })).toBeFocused();
});

test("the theme is stored, applied before the first paint, and synced between tabs", async ({ page, context }) => {
  await page.emulateMedia({ colorScheme: "light" });
  const background = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await signIn(page);
  const light = await background();
  await menu(page).click();
  await page.getByText("Dark", { exact: true }).click();
  const dark = await background();
  expect(dark).not.toBe(light);
  const other = await context.newPage();
  await other.emulateMedia({ colorScheme: "light" });
  // Without the application script, only the settings applied before first paint take effect.
  const scripts = /\/assets\/(?!early-)[^/]*\.js$/;
  await other.route(scripts, (route) => route.abort());
  await other.goto("/");
  expect(await other.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe("dark");
  await other.unroute(scripts);
  await other.goto("/");
  await menu(other).click();
  await other.getByText("System", { exact: true }).last().click();
  // A preference changed in one tab also applies to the other.
  await expect.poll(background).toBe(light);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(background).toBe(dark);
});

test.describe("in the Asia/Kolkata time zone", () => {
  test.use({ timezoneId: "Asia/Kolkata" });

  test("a relative time shows the exact time in the chosen zone on hover and on focus", async ({ page }) => {
    const subject = `Timed ${randomUUID()}`;
    await deliver([event("open", { subject })]);
    await signIn(page, "/notifications");
    const time = page.getByRole("listitem").filter({ hasText: subject }).locator("time");
    const tip = page.getByRole("tooltip");
    await time.hover();
    await expect(tip).toHaveText(/GMT\+5:30 · .*UTC$/);
    await page.getByRole("heading", { level: 1 }).hover();
    await expect(tip).toHaveCount(0);
    await time.focus();
    await expect(tip).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(tip).toHaveCount(0);
    await menu(page).click();
    await page.getByText("UTC", { exact: true }).click();
    await page.reload();
    await time.hover();
    await expect(tip).toHaveText(/UTC · .*GMT\+5:30$/);
  });
});
