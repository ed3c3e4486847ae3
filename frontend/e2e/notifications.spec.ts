import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { admin, deliver, event, expect, openWithNothingUnread, signIn, test } from "./support";

const list = (page: Page) => page.getByRole("main").getByRole("list", { name: "Notifications" });
const bell = (page: Page) => page.getByRole("button", { name: /^Notifications/ });

/** Sends a notification through the form. */
async function sendNotification(page: Page, to: string | RegExp, text: string, details = ""): Promise<void> {
  await page.getByRole("button", { name: "Write" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("To")).toContainText("(you)");
  const option = dialog.getByRole("option", { name: to });
  await dialog.getByLabel("To").selectOption((await option.getAttribute("value")) ?? "");
  await dialog.getByLabel("Text").fill(text);
  await dialog.getByLabel("Details (optional)").fill(details);
  await dialog.getByRole("button", { name: "Send" }).click();
  await expect(dialog).toBeHidden();
}

test("a user notifies everybody, a role or one user, and finds it by sender and kind", async ({
  page,
  anotherPage,
}) => {
  const other = await anotherPage();
  await signIn(page, "/notifications");
  await signIn(other);
  for (const to of ["Everybody", "Every admin", `${admin.email} (you)`]) {
    const text = `To ${to} ${randomUUID()}`;
    await sendNotification(page, to, text, "Second line");
    await expect(list(page).getByRole("listitem").filter({ hasText: text })).toContainText("Second line");
    await expect(other.getByRole("log")).toContainText(text);
  }
  // There are no viewers, but the sender still sees what they sent.
  const sent = `To viewers ${randomUUID()}`;
  await sendNotification(page, "Every viewer", sent);
  await deliver([event("open", { subject: `Opened ${sent}` })]);
  await expect(list(page)).toContainText(`Opened ${sent}`);
  await page.getByLabel("From").selectOption({ label: `${admin.email} (you)` });
  await expect(page).toHaveURL(/\/notifications\?from_user=\d+$/);
  await expect(list(page)).toContainText(sent);
  await expect(list(page)).not.toContainText(`Opened ${sent}`);
  await page.goBack();
  await page.getByLabel("Kind").selectOption("Opens");
  await expect(page).toHaveURL("/notifications?kind=open");
  await expect(list(page).getByRole("listitem").first()).toContainText(`Opened ${sent}`);
  await expect(list(page)).not.toContainText("Second line");
  await page.reload();
  await expect(page.getByLabel("Kind")).toHaveValue("open");
});

test("notifications are marked as read one by one or all at once, and the tab shows the unread count", async ({
  page,
}) => {
  await signIn(page);
  await openWithNothingUnread(page, "/notifications");
  const all = page.getByRole("button", { name: "Mark all as read" });
  await expect(bell(page)).toHaveAccessibleName("Notifications");
  await expect(page).toHaveTitle("Notifications · Mandrill Listener");
  const subject = `Marked ${randomUUID()}`;
  await deliver(["one", "two", "three"].map((name) => event("open", { subject: `${name} ${subject}` })));
  const rows = list(page).getByRole("listitem").filter({ hasText: subject });
  await expect(rows).toHaveCount(3);
  await expect(page).toHaveTitle("(3) Notifications · Mandrill Listener");
  await expect(page.locator("link[rel=icon]")).toHaveAttribute("href", "/mark-unread.svg");
  await page.getByRole("link", { name: /^Unread/ }).click();
  await expect(page).toHaveURL("/notifications?unread=true");
  await rows
    .filter({ hasText: "two" })
    .getByRole("button", { name: /^Mark as read/ })
    .click();
  await expect(page).toHaveTitle(/^\(2\)/);
  // Notifications that are marked as read stay listed until the page is reloaded.
  await expect(rows).toHaveCount(3);
  await expect(rows.filter({ hasText: "Unread." })).toHaveCount(2);
  await page.reload();
  await expect(rows).toHaveCount(2);
  await rows.filter({ hasText: "one" }).getByRole("link").click();
  await expect(page).toHaveURL(/\/messages\//);
  await expect(page).toHaveTitle(/^\(1\) /);
  await page.goBack();
  await all.click();
  await expect(page).toHaveTitle("Notifications · Mandrill Listener");
  await expect(page.locator("link[rel=icon]")).toHaveAttribute("href", "/mark.svg");
  await expect(all).toBeDisabled();

  // Undo brings back what that press has marked, and one can be marked as unread by itself. Other tabs follow.
  const other = await page.context().newPage();
  await other.goto("/notifications?unread=true");
  await expect(other.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await expect(other.getByText(/1 notification marked as read/)).toHaveCount(0);
  await page.getByText("1 notification marked as read.").getByRole("button", { name: "Undo" }).click();
  for (const tab of [page, other]) await expect(tab).toHaveTitle(/^\(1\) /);
  await expect(rows.filter({ hasText: "three" })).toContainText("Unread.");
  await page.goto("/notifications");
  await rows
    .filter({ hasText: "one" })
    .getByRole("button", { name: /^Mark as unread/ })
    .click();
  for (const tab of [page, other]) await expect(tab).toHaveTitle(/^\(2\) /);
  await expect(rows.filter({ hasText: "Unread." })).toHaveCount(2);
  await page.reload();
  await expect(rows.filter({ hasText: "Unread." })).toHaveCount(2);
});

test("desktop notifications need permission, appear while the page is hidden, and stay on after a reload", async ({
  page,
  context,
}) => {
  await context.addInitScript(() => {
    const titles: string[] = [];
    class FakeNotification {
      static permission = sessionStorage.getItem("granted") ?? "default";
      static requestPermission(): Promise<string> {
        sessionStorage.setItem("granted", "granted");
        FakeNotification.permission = "granted";
        return Promise.resolve("granted");
      }
      onclick: () => void = () => {};
      close(): void {}
      constructor(title: string) {
        titles.push(title);
        Object.assign(globalThis, { click: () => this.onclick() });
      }
    }
    Object.assign(globalThis, { Notification: FakeNotification, titles, hidden: false });
    Object.defineProperty(document, "visibilityState", {
      get: () => ((globalThis as unknown as { hidden: boolean }).hidden ? "hidden" : "visible"),
    });
  });
  const shownTitles = (): Promise<string[]> =>
    page.evaluate(() => (globalThis as unknown as { titles: string[] }).titles);
  const setHidden = (hidden: boolean): Promise<unknown> =>
    page.evaluate((value) => Object.assign(globalThis, { hidden: value }), hidden);
  await signIn(page, "/notifications");
  expect(await page.evaluate(() => Notification.permission)).toBe("default");
  await page.getByRole("button", { name: "Allow notifications" }).click();
  await expect(page.getByText("Desktop notifications are on while this page is hidden.")).toBeVisible();
  await page.reload();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  const [visible, hidden] = [`Visible ${randomUUID()}`, `Hidden ${randomUUID()}`];
  await deliver([event("open", { subject: visible })]);
  await expect(list(page)).toContainText(visible);
  await setHidden(true);
  await deliver([event("open", { subject: hidden })]);
  await expect.poll(shownTitles).toEqual([`ada@example.com opened “${hidden}”`]);
  await setHidden(false);
  // A click opens the notification and marks it as read.
  await page.evaluate(() => (globalThis as unknown as { click(): void }).click());
  await expect(page).toHaveURL(/\/messages\//);
  await expect(page.getByRole("main")).toContainText(hidden);
  await page.goBack();
  await expect(list(page).getByRole("listitem").filter({ hasText: hidden })).not.toContainText("Unread.");
  await page.getByRole("button", { name: "Turn off" }).click();
  await page.reload();
  await expect(page.getByRole("button", { name: "Allow notifications" })).toBeVisible();
});

test("at most three toasts are shown at once", async ({ page }) => {
  await signIn(page);
  const subject = `Toast ${randomUUID()}`;
  await deliver(Array.from({ length: 8 }, (_, n) => event("open", { subject: `${n} ${subject}` })));
  await expect(page.getByRole("log").getByText(subject)).toHaveCount(3);
  await expect(bell(page)).toHaveAccessibleName(/unread/);
  await page.getByRole("log").getByRole("button", { name: "Dismiss" }).first().click();
  await expect(page.getByRole("log").getByText(subject)).toHaveCount(2);
});

test("opening the bell marks nothing, and what was on the screen for two seconds is read", async ({ page }) => {
  await signIn(page);
  await openWithNothingUnread(page, "/notifications");
  await expect(bell(page)).toHaveAccessibleName("Notifications");
  const run = randomUUID();
  await deliver(Array.from({ length: 30 }, (_, n) => event("open", { subject: `Seen ${n} ${run}` })));
  await expect(bell(page)).toHaveAccessibleName("Notifications, 30 unread");
  await page.goto("/system");
  await expect(bell(page)).toHaveAccessibleName("Notifications, 30 unread");
  const [opened, marking] = [Date.now(), page.waitForRequest("**/api/notifications/read")];
  await bell(page).click();
  const panel = page.getByRole("complementary", { name: "Notifications" });
  const items = panel.getByRole("listitem").filter({ hasText: run });
  await expect(items).toHaveCount(30);
  await marking;
  expect(Date.now() - opened).toBeGreaterThanOrEqual(2_000);
  // Only those on the screen become read.
  await expect(items.first()).not.toContainText("Unread.");
  await expect(items.last()).toContainText("Unread.");
  await expect(bell(page)).toHaveAccessibleName(/^Notifications, \d+ unread$/);
  await items.last().scrollIntoViewIfNeeded();
  await expect(items.last()).not.toContainText("Unread.");
  await panel.getByRole("button", { name: "Mark all as read" }).click();
  await expect(bell(page)).toHaveAccessibleName("Notifications");
  await expect(items.filter({ hasText: "Unread." })).toHaveCount(0);
});

test("a message keeps its line breaks, links web addresses only, and says to whom it went", async ({ page }) => {
  await signIn(page, "/notifications");
  const text = `Linked ${randomUUID()}`;
  await sendNotification(page, `${admin.email} (you)`, text, "See https://example.com/a?b=c.\njavascript:alert(1)");
  const item = list(page).getByRole("listitem").filter({ hasText: text });
  await expect(item.getByRole("link")).toHaveText(["https://example.com/a?b=c"]);
  await expect(item.getByRole("link")).toHaveAttribute("href", "https://example.com/a?b=c");
  await expect(item.getByRole("link")).toHaveAttribute("rel", "noopener noreferrer nofollow");
  expect((await item.innerText()).includes("a?b=c.\njavascript:alert(1)")).toBe(true);
  await expect(item).toContainText(`You, to ${admin.email}`);
});
