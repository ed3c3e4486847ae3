import { randomUUID } from "node:crypto";
import { admin, deliver, event, expect, post, row, signIn, test } from "./support";

test("by keyboard: sign in, filter, open an event, and return to its row", async ({ page }) => {
  const run = randomUUID();
  const events = Array.from({ length: 8 }, (_, n) =>
    event("send", { subject: `Letter ${n} of ${run}`, metadata: { order: `o-${n}` }, tags: ["vip"] }),
  );
  await deliver(events);
  await page.goto("/");
  await expect(page.getByLabel("E-mail")).toBeFocused();
  await page.keyboard.type(admin.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(admin.password);
  await page.keyboard.press("Enter");
  await expect(row(page, run).first()).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByRole("combobox", { name: "Search events" })).toBeFocused();
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

  // j and k move between events in the drawer, and reloading the URL opens the same event.
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

test("an event's payload can be searched, copied by value and path, and viewed as received", async ({ page }) => {
  const run = randomUUID();
  await deliver([event("open", { subject: `Payload ${run}`, metadata: { "order no": run } })]);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn(page, `/?q=${run}`);
  await row(page, run).click();
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

test("a list of thousands of events keeps few rows in the DOM and reaches every row", async ({ page }) => {
  const run = randomUUID();
  const COUNT = 5_000;
  for (let n = 0; n < COUNT; n += 1_000)
    await deliver(Array.from({ length: 1_000 }, (_, m) => event("send", { subject: `Letter ${n + m} of ${run}` })));
  await signIn(page, `/?q=${run}`);
  const rows = page.locator("tbody [role=row]");
  await expect(row(page, run).first()).toBeVisible();
  let maxRows = 0;
  await expect(async () => {
    await page.mouse.wheel(0, 20_000);
    maxRows = Math.max(maxRows, await rows.count());
    await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", `${COUNT + 1}`, { timeout: 100 });
  }).toPass({ intervals: [50] });
  await rows.first().focus();
  await page.keyboard.press("End");
  await expect(rows.last()).toBeFocused();
  await expect(rows.last()).toHaveAttribute("aria-rowindex", `${COUNT + 1}`);
  await page.keyboard.press("Home");
  await expect(rows.first()).toBeFocused();
  await expect(rows.first()).toHaveAttribute("aria-rowindex", "2");

  // The focused row keeps its place while scrolled out of view. Inline styles are slow, so no other row has any.
  await page.keyboard.press("ArrowDown");
  await expect(rows.nth(1)).toBeFocused();
  await page.mouse.wheel(0, 100_000);
  await expect(rows.first()).not.toHaveAttribute("aria-rowindex", "2");
  const focused = page.locator("tbody [role=row]:focus");
  await expect(focused).toHaveAttribute("aria-rowindex", "3");
  expect(await focused.evaluate(({ offsetTop }: HTMLElement) => offsetTop)).toBe(72);
  await expect(page.locator("tbody [role=row][style]")).toHaveCount(1);
  maxRows = Math.max(maxRows, await rows.count());
  expect(maxRows).toBeLessThanOrEqual(60);
});

test("the chart describes its bars by pointer and keyboard, and selecting a range filters the list", async ({
  page,
}) => {
  const run = randomUUID();
  await deliver([event("send", { subject: `One ${run}` }), event("hard_bounce", { subject: `Two ${run}` })]);
  await signIn(page, `/?q=${run}`);
  const chart = page.getByRole("figure", { name: "Events over time" });
  const bars = chart.getByRole("slider");
  await expect(chart).toContainText("2 events: 1 bounced, 1 sent");
  await deliver([event("open", { subject: `Three ${run}` })]);
  await expect(chart).toContainText("3 events");
  await bars.hover({ position: { x: 2, y: 20 } });
  await expect(chart).toContainText("no events");
  await chart.getByRole("button", { name: "Table" }).click();
  await expect(chart.getByRole("table")).toContainText("1 bounced");
  await page.keyboard.press("Escape");

  // Keyboard focus starts at the newest bar.
  await bars.focus();
  await expect(bars).toHaveAttribute("aria-valuetext", /3 events|no events/);
  await page.keyboard.press("Shift+ArrowLeft");
  await expect(bars).toHaveAttribute("aria-valuetext", /3 events/);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/from=.*&q=.*&to=/);
  await expect(row(page, run)).toHaveCount(3);

  // If a range contains no events, the page offers to remove the range filter.
  await page.goBack();
  await expect(chart).toContainText("3 events");
  const box = await bars.boundingBox();
  if (box === null) throw new Error("the chart has no bounding box");
  await page.mouse.move(box.x + 4, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  await page.mouse.up();
  await expect(page.getByText("Nothing matches.")).toBeVisible();
  await page.getByRole("link", { name: /^Drop “.*–.*”: 3 match then$/ }).click();
  await expect(row(page, run)).toHaveCount(3);
  await page.getByRole("button", { name: "All time" }).click();
  await page.getByRole("link", { name: "Last hour" }).click();
  await expect(page).toHaveURL(/from=1h/);
  await expect(row(page, run)).toHaveCount(3);
  await page.reload();
  await expect(page.getByRole("button", { name: "Last hour" })).toBeVisible();
});

test("excluding a value filters the list and live events, and is kept in the URL", async ({ page }) => {
  const run = randomUUID();
  const deliverPair = () =>
    deliver([event("send", { subject: `Sent ${run}` }), event("open", { subject: `Opened ${run}`, tags: ["a b"] })]);
  await deliverPair();
  await signIn(page, `/?q=${run}`);
  await row(page, `Sent ${run}`).locator(".what").click({ button: "right" });
  await page.getByRole("link", { name: "Without this" }).click();
  await expect(page).toHaveURL(/not\.kind=send/);
  await expect(row(page, run)).toHaveCount(1);
  await deliverPair();
  await expect(row(page, `Opened ${run}`)).toHaveCount(2);
  await expect(row(page, `Sent ${run}`)).toHaveCount(0);
  await page.reload();
  await expect(row(page, run)).toHaveCount(2);

  // Typed exclusions can be combined; what is typed replaces the words.
  const field = page.getByRole("combobox", { name: "Search events" });
  await field.fill(`-kind:click -tag:"a b" ${run}`);
  await page.keyboard.press("Enter");
  await expect(page.getByText("Nothing matches.")).toBeVisible();
  await deliver([event("click", { subject: `Clicked ${run}` }), event("deferral", { subject: `Deferred ${run}` })]);
  await expect(row(page, run)).toHaveCount(1);
  await expect(row(page, run)).toContainText("Deferred");
  await page.getByRole("button", { name: "Remove not kind: Clicked" }).click();
  await expect(row(page, run)).toHaveCount(2);
  const exported = await page.request.get(
    `${await page
      .getByRole("button", { name: "Export" })
      .click()
      .then(() => page.getByRole("link", { name: "CSV, for other programs" }).getAttribute("href"))}`,
  );
  expect((await exported.text()).split("\n").filter((line) => line.includes(run)).length).toBe(2);
});

test("rows do not move while paused or hovered, and no event is lost", async ({ page }) => {
  const run = randomUUID();
  const burst = (name: string) =>
    deliver(Array.from({ length: 200 }, (_, n) => event("send", { subject: `${name} ${n} of ${run}` })));
  await deliver([event("send", { subject: `First of ${run}` })]);
  await signIn(page, `/?q=${run}`);
  const first = row(page, `First of ${run}`);
  await expect(first).toBeVisible();
  const position = await first.boundingBox();
  await page.keyboard.press("p");
  await expect(page.getByRole("status").getByText("Paused", { exact: true })).toBeVisible();
  await burst("Paused");
  await expect(page.getByRole("status").getByText("Paused · 200 new")).toBeVisible();
  await expect(page.getByRole("button", { name: "200 new" })).toBeVisible();
  expect(await first.boundingBox()).toEqual(position);
  await page.keyboard.press("p");
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "202");

  const hovered = page.locator("tbody [role=row]").nth(3);
  await hovered.hover();
  const [id, hoveredPosition] = [await hovered.getAttribute("data-id"), await hovered.boundingBox()];
  await burst("Hovered");
  await expect(page.getByRole("button", { name: "200 new" })).toBeVisible();
  expect(await hovered.getAttribute("data-id")).toBe(id);
  expect(await hovered.boundingBox()).toEqual(hoveredPosition);
  await page.mouse.move(5, 5);
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "402");
});

test("columns and row density are stored in the browser", async ({ page }) => {
  const run = randomUUID();
  await deliver([event("send", { subject: `Columns ${run}`, template: `letter-${run}` })]);
  await signIn(page, `/?q=${run}`);
  await expect(row(page, run)).not.toContainText(`letter-${run}`);
  await page.getByRole("button", { name: "Display" }).click();
  await page.getByLabel("Template").check();
  await page.getByLabel("Tags").uncheck();
  await page.getByLabel("Compact").check();
  await page.reload();
  await expect(row(page, run)).toContainText(`letter-${run}`);
  await expect(page.getByRole("columnheader", { name: "Tags" })).toHaveCount(0);
  expect((await row(page, run).boundingBox())?.height).toBe(28);
});

test("numbers in metadata are shown, filtered and copied to the digit", async ({ page }) => {
  const run = randomUUID();
  const digits = "12345678901234567890";
  const sent = [event("open", { subject: `Exact ${run}`, metadata: { order: "ORDER", price: "PRICE" } })];
  const response = await post(JSON.stringify(sent).replace('"ORDER"', digits).replace('"PRICE"', "1.50"));
  expect(response.status).toBe(200);
  await signIn(page, `/?q=${run}`);
  await row(page, run).click();
  const panel = page.getByRole("complementary", { name: "Event" });
  await expect(panel.getByText(digits).first()).toBeVisible();
  await expect(panel.getByText("1.50", { exact: true }).first()).toBeVisible();
  await page.goto(`/?metadata.order=${digits}`);
  await expect(row(page, run)).toHaveCount(1);
  await page.goto("/?metadata.order=12345678901234567000");
  await expect(row(page, run)).toHaveCount(0);
});

test("beside the list from 1280 px, the open event shows its diagnosis, its message's steps and its facts by group", async ({
  page,
}) => {
  const run = randomUUID().slice(0, 8);
  const sent = event("send", { subject: `Docked ${run}`, metadata: { order: run } });
  const bounced = {
    ...sent,
    event: "hard_bounce",
    ts: (sent["ts"] as number) + 2,
    msg: { ...(sent["msg"] as object), diag: "550 5.1.1 No such user" },
  };
  await deliver([sent, bounced, event("open", { subject: `Docked ${run}` })]);
  await page.setViewportSize({ width: 1280, height: 800 });
  await signIn(page, `/?q=${run}`);
  const rows = row(page, run);
  await rows.filter({ hasText: "Bounced" }).click();
  const panel = page.getByRole("complementary", { name: "Event" });
  await expect(panel.getByRole("region", { name: "Diagnosis" })).toContainText("The address does not exist");
  await expect(panel.getByRole("region", { name: "Diagnosis" })).toContainText("550 5.1.1 No such user");
  // The list stays usable beside it.
  const [list, side] = [await page.getByRole("grid").boundingBox(), await panel.boundingBox()];
  expect((list?.x ?? 0) + (list?.width ?? 0)).toBeLessThanOrEqual((side?.x ?? 0) + 1);
  await expect(page.getByRole("columnheader")).toHaveText(["Selected", "When", "What", "Who", "Subject"]);
  // Nothing is said twice.
  await expect(panel.getByRole("region", { name: "Mail", exact: true })).not.toContainText("550 5.1.1");
  await expect(panel.getByRole("region", { name: "Metadata" })).toContainText(run);
  await panel.getByRole("region", { name: "The message" }).getByRole("link", { name: /^Sent/ }).click();
  await expect(panel.getByRole("region", { name: "Diagnosis" })).toBeHidden();
  await expect(panel.getByText("Sent", { exact: true }).first()).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await page.setViewportSize({ width: 1000, height: 800 });
  await rows.filter({ hasText: "Opened" }).click();
  await expect(panel).toBeVisible();
  await expect(page.getByRole("columnheader")).toHaveCount(7);
});
