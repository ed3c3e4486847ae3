import { randomUUID } from "node:crypto";
import { admin, deliver, event, expect, row, signIn, test } from "./support";

test("by keyboard alone: sign in, filter, go to a row, look at it, and be back at the same row", async ({ page }) => {
  const run = randomUUID();
  const sent = Array.from({ length: 8 }, (_, n) =>
    event("send", { subject: `Letter ${n} of ${run}`, metadata: { order: `o-${n}` }, tags: ["vip"] }),
  );
  await deliver(sent);
  await page.goto("/");
  await page.getByLabel("E-mail").focus();
  await page.keyboard.type(admin.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(admin.password);
  await page.keyboard.press("Enter");
  await expect(row(page, run).first()).toBeVisible();
  await page.getByRole("searchbox", { name: "Filter events" }).focus();
  await page.keyboard.type(run);
  await page.keyboard.press("Enter");
  const rows = row(page, run);
  await expect(rows).toHaveCount(8);
  await page.keyboard.press("ArrowDown");
  await expect(rows.nth(0)).toBeFocused();
  for (const key of ["j", "j", "ArrowDown", "k"]) await page.keyboard.press(key);
  await expect(rows.nth(2)).toBeFocused();
  await page.keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: "Event" });
  await expect(panel).toBeFocused();
  await expect(page).toHaveURL(/[?&]event=\d+/);
  const subject = await rows.nth(2).locator(".cell-subject").textContent();
  await expect(panel).toContainText(`${subject}`.trim());

  // What is open can be sent to somebody, and one may go on from there.
  await page.keyboard.press("j");
  await expect(panel).toContainText(`${await rows.nth(3).locator(".cell-subject").textContent()}`.trim());
  await page.keyboard.press("k");
  await page.reload();
  await expect(panel).toContainText(`${subject}`.trim());
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await expect(rows.nth(2)).toBeFocused();
  await expect(page).toHaveURL(/\?q=[\w-]+$/);
});

test("an event's payload can be searched, copied by value and path, and seen byte for byte", async ({ page }) => {
  const run = randomUUID();
  await deliver([event("open", { subject: `Payload ${run}`, metadata: { "order no": run } })]);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn(page, `/?q=${run}`);
  await row(page, run).click({ position: { x: 8, y: 18 } });
  const panel = page.getByRole("complementary", { name: "Event" });
  const lines = panel.getByRole("list", { name: "Payload" }).getByRole("listitem");
  await expect(lines.filter({ hasText: "subject" })).toHaveCount(1);
  await panel.getByRole("searchbox", { name: "Search the payload" }).fill("order no");
  await expect(lines).toHaveCount(3);
  await lines.last().getByRole("button").click();
  await panel.getByRole("button", { name: "Copy path" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('msg.metadata["order no"]');
  await panel.getByRole("button", { name: "Copy value" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(run);
  await panel.getByRole("button", { name: "As received" }).click();
  await expect(panel.locator("pre")).toContainText(`"order no":"${run}"`);
  await panel.getByRole("link", { name: "Open the message" }).click();
  await expect(page.getByRole("heading", { name: `Payload ${run}` })).toBeVisible();
});

test("of thousands of events few rows are in the page, and all can be reached", async ({ page }) => {
  const run = randomUUID();
  const COUNT = 5_000;
  for (let n = 0; n < COUNT; n += 1_000)
    await deliver(Array.from({ length: 1_000 }, (_, m) => event("send", { subject: `Letter ${n + m} of ${run}` })));
  await signIn(page, `/?q=${run}`);
  const rows = page.locator("tbody [role=row]");
  await expect(row(page, run).first()).toBeVisible();
  let most = 0;
  await expect(async () => {
    await page.mouse.wheel(0, 20_000);
    most = Math.max(most, await rows.count());
    await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", `${COUNT + 1}`, { timeout: 100 });
  }).toPass();
  await rows.first().focus();
  await page.keyboard.press("End");
  await expect(rows.last()).toBeFocused();
  await expect(rows.last()).toHaveAttribute("aria-rowindex", `${COUNT + 1}`);
  await page.keyboard.press("Home");
  await expect(rows.first()).toBeFocused();
  await expect(rows.first()).toHaveAttribute("aria-rowindex", "2");

  // The row with the focus stays, however far one scrolls away from it.
  await page.mouse.wheel(0, 100_000);
  await expect(page.locator("tbody [role=row]:focus")).toHaveAttribute("aria-rowindex", "2");
  most = Math.max(most, await rows.count());
  expect(most).toBeLessThanOrEqual(60);
});
