import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { deliver, event, expect, row, signIn, test } from "./support";

test("a click anywhere opens the row, and the pointer, the context menu and its key bring up the menu of a value", async ({
  page,
}) => {
  const run = randomUUID();
  await deliver([event("send", { subject: `Plain ${run}`, tags: ["vip"], email: `ada-${run}@example.com` })]);
  await signIn(page);
  const plain = row(page, `Plain ${run}`);
  await plain.getByText(`ada-${run}@example.com`).click();
  await expect(page).toHaveURL(/event=\d+$/);
  await page.getByRole("button", { name: "Close" }).click();
  await plain.getByText("vip").hover();
  await page.getByTitle("Filter by this").click();
  const menu = page.getByRole("dialog", { name: "What to do with this value" });
  await expect(menu).toContainText("tag vip");
  await menu.getByRole("link", { name: "Only this" }).click();
  await expect(page).toHaveURL("/?tag=vip");
  await plain.getByText(`ada-${run}@example.com`).click({ button: "right" });
  await menu.getByRole("link", { name: "Only this" }).click();
  await expect(page).toHaveURL(`/?recipient=ada-${run}@example.com&tag=vip`);
  await plain.focus();
  await page.keyboard.press("Shift+F10");
  await expect(menu.getByRole("button").first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(menu.getByRole("button", { name: "kind Sent" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(menu.getByRole("link", { name: "Only this" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/?not.kind=send&recipient=ada-${run}@example.com&tag=vip`);
});

test("by keyboard from the bar to a row, its drawer, its message and back to the same row, and what is new waits above", async ({
  page,
}) => {
  const run = randomUUID();
  const mail = (n: number) => event("send", { subject: `Letter ${n} ${run}`, tags: [run] });
  await deliver(Array.from({ length: 250 }, (_, n) => mail(n)));
  await signIn(page);
  const letter = (n: number) => row(page, `Letter ${n} ${run}`);
  await page.keyboard.press("/");
  await page.keyboard.type(`tag:${run}`);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/?tag=${run}`);
  await expect(letter(249)).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await expect(letter(249)).toBeFocused();
  for (let n = 0; n < 20; n++) await page.keyboard.press("PageDown");
  await expect(letter(49)).toBeFocused();
  const top = await letter(49).evaluate((element) => element.getBoundingClientRect().top);
  await page.keyboard.press("Enter");
  const link = page.getByRole("complementary", { name: "Event" }).getByRole("link", { name: "Open the message" });
  await expect(link).toBeVisible();
  for (let n = 0; n < 40 && !(await link.evaluate((element) => element === document.activeElement)); n++)
    await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/messages\//);
  await expect(page.getByRole("heading", { level: 1, name: "Message" })).toBeVisible();
  await deliver([mail(250), mail(251)]);
  await page.goBack();
  await expect(page.getByRole("complementary", { name: "Event" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(letter(49)).toBeFocused();
  expect(Math.abs((await letter(49).evaluate((element) => element.getBoundingClientRect().top)) - top)).toBeLessThan(2);
  await page.getByRole("button", { name: "2 new" }).click();
  await expect(letter(251)).toBeVisible();
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "253");
});

test("rows stand below their day with the time, and one choice shows every time as relative", async ({ page }) => {
  const run = randomUUID();
  await deliver([event("send", { subject: `Timed ${run}` })]);
  await signIn(page, `/?q=${run}`);
  const timed = row(page, `Timed ${run}`);
  await expect(page.getByRole("grid")).toContainText("Today");
  await expect(timed.locator("time")).toHaveText(/\d\d?:\d\d:\d\d/);
  await page.getByRole("button", { name: /Your account/ }).click();
  await page.getByRole("group", { name: "Times" }).getByText("Relative").click();
  await expect(timed.locator("time")).toHaveText(/^\d+ (s|min)$/);
  await page.goto("/system");
  await expect(page.getByText(/Checked \d+ (s|min) ago/)).toBeVisible();
});

test("selected events are exported, and their message ids copied", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const run = randomUUID();
  await deliver(Array.from({ length: 6 }, (_, n) => event("send", { subject: `Chosen ${n} ${run}` })));
  await signIn(page, `/?q=${run}`);
  const chosen = (n: number) => row(page, `Chosen ${n} ${run}`);
  await chosen(5).hover();
  await chosen(5).getByRole("checkbox").click();
  const bar = page.getByRole("region", { name: "Selected events" });
  await expect(bar).toContainText("1 event selected");
  await chosen(2).click({ modifiers: ["Shift"] });
  await expect(bar).toContainText("4 events selected");
  await chosen(3).focus();
  await page.keyboard.press("x");
  await expect(bar).toContainText("3 events selected");
  await page.keyboard.press("Shift+ArrowDown");
  await expect(bar).toContainText("4 events selected");
  await bar.getByRole("button", { name: "Copy message ids" }).click();
  await expect(bar.getByText("Copied", { exact: true })).toBeVisible();
  expect((await page.evaluate(() => navigator.clipboard.readText())).split("\n")).toHaveLength(4);
  const download = page.waitForEvent("download");
  await bar.getByRole("link", { name: "NDJSON" }).click();
  const lines = readFileSync(await (await download).path(), "utf8")
    .trim()
    .split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { subject: string }).subject).sort()).toEqual(
    [2, 3, 4, 5].map((n) => `Chosen ${n} ${run}`),
  );
  await bar.getByRole("button", { name: "Clear" }).click();
  await expect(bar).toBeHidden();
});

test("a list that was in the background is whole with another filter, and its chart counts no events of other pages", async ({
  page,
}) => {
  const run = randomUUID();
  const mail = (tag: string) => event("send", { tags: [tag] });
  await deliver(Array.from({ length: 120 }, () => mail(run)));
  await signIn(page, `/?tag=${run}`);
  const sent = page.getByRole("group", { name: /^Kinds/ }).getByRole("button", { name: /^Sent/ });
  await expect(sent).toHaveText("Sent120");
  await page.getByRole("link", { name: "Statistics" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Statistics" })).toBeVisible();
  await deliver([mail("another"), mail("another"), mail(run)]);
  await page.goBack();
  await expect(sent).toHaveText("Sent121");
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "-1");

  await page.getByRole("link", { name: "Statistics" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Statistics" })).toBeVisible();
  await page.getByRole("link", { name: "Events", exact: true }).click();
  await expect(page).toHaveURL("/");
  await expect(page.getByRole("row").nth(1)).toBeVisible();
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "-1");
  await expect(page.getByRole("button", { name: /new$/ })).toBeHidden();
});
