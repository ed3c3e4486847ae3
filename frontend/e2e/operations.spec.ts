import { randomUUID } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { admin, deliver, event, expect, post, signIn, test, webhook } from "./support";

const groups = (page: Page): Locator => page.getByRole("table", { name: "Open items by reason" });
const items = (page: Page): Locator => page.getByRole("table", { name: "Items, newest first" });
const panel = (page: Page): Locator => page.getByRole("complementary", { name: /^Item / });
const dialog = (page: Page): Locator => page.getByRole("dialog");

/** The number of open items for a reason, as shown on the page. */
async function openCount(page: Page, reason: string): Promise<number> {
  const row = groups(page).getByRole("row").filter({ hasText: reason });
  return Number(await row.getByRole("cell").nth(1).textContent());
}

test("quarantined elements are grouped by reason, inspected, retried after a dry run, and discarded with a reason", async ({
  page,
}) => {
  const run = randomUUID();
  expect(await deliver([{ order: `1 of ${run}` }, { order: `2 of ${run}` }, `text of ${run}`])).toMatchObject({
    quarantined: 3,
  });
  await signIn(page, "/quarantine");
  await expect(groups(page)).toContainText("Not an object");
  await groups(page).getByRole("link", { name: "Missing event type" }).click();
  await expect(page).toHaveURL("/quarantine?reason=no_kind");
  await expect(items(page).getByRole("link")).toHaveCount(Math.min(await openCount(page, "Missing event type"), 100));
  await expect(items(page)).not.toContainText("Not an object");

  // Open an item by keyboard and return to its row.
  const [first, second] = (await items(page).getByRole("link").allTextContents()).slice(0, 2);
  const link = page.getByRole("link", { name: `Item ${first}`, exact: true });
  await link.focus();
  await page.keyboard.press("Enter");
  await expect(panel(page)).toBeFocused();
  await expect(panel(page).locator("pre")).toContainText(run);
  await expect(panel(page)).toContainText("One element of a batch");
  await page.keyboard.press("Escape");
  await expect(panel(page)).toBeHidden();
  await expect(link).toBeFocused();

  for (const id of [first, second])
    await page.getByRole("checkbox", { name: `Select item ${id}`, exact: true }).check();
  const retry = page.getByRole("button", { name: "Retry 2 chosen…" });
  await retry.click();
  await expect(dialog(page).getByRole("status")).toHaveText("2 items still cannot, and stay.");
  await expect(dialog(page).getByRole("list", { name: "What would happen" }).getByRole("listitem")).toHaveCount(2);
  // A retry would be refused again, so it is not offered.
  await expect(dialog(page).getByRole("button", { name: /^Retry/ })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(dialog(page)).toBeHidden();
  await expect(retry).toBeFocused();

  await page.getByRole("button", { name: "Discard 2 chosen…" }).click();
  await expect(dialog(page).getByRole("status")).toContainText("2 items would be discarded.");
  const discardReason = `Not ours: ${run}`;
  await dialog(page).getByLabel("Why").fill(discardReason);
  await page.keyboard.press("Enter");
  await expect(dialog(page).getByRole("status")).toHaveText("2 items discarded.");
  await dialog(page).getByRole("button", { name: "Close" }).click();
  await expect(link).toBeHidden();
  await page.getByRole("link", { name: "Discarded" }).click();
  await expect(items(page).getByRole("row").filter({ hasText: discardReason })).toHaveCount(2);
  await link.click();
  await expect(panel(page)).toContainText(discardReason);
  await expect(panel(page)).toContainText(admin.email);
  await expect(panel(page).getByRole("button", { name: "Discard…" })).toHaveCount(0);
  // The URL restores the same view.
  await page.reload();
  await expect(panel(page)).toContainText(discardReason);
});

test("bytes are shown as text or hex and can be downloaded unchanged", async ({ page }) => {
  const attack = `<img src=x onerror=alert(1)>\u202e${randomUUID()}`;
  await deliver([attack]);
  const bytes = Buffer.concat([Buffer.from([0xff, 0x00, 0x0a]), Buffer.from(randomUUID())]);
  expect((await post(bytes)).status).toBe(200);
  await signIn(page, "/quarantine?reason=not_utf8");
  await items(page).getByRole("link").first().click();
  await expect(panel(page).locator("pre")).toContainText(/^0000 {2}ff 00 0a /);
  const address = await panel(page).getByRole("link", { name: "Download" }).getAttribute("href");
  expect(Buffer.compare(await (await page.request.get(`${address}`)).body(), bytes)).toBe(0);
  await page.goto("/quarantine?reason=not_an_object");
  await items(page).getByRole("link").first().click();
  await expect(panel(page).locator("pre")).toHaveText(JSON.stringify(attack).replace("\u202e", "⟨U+202E⟩"));
});

test("retry and discard cover all matching items, and a changed count needs a new confirmation", async ({ page }) => {
  const run = randomUUID();
  await deliver(Array.from({ length: 120 }, (_, n) => ({ order: `${n} of ${run}` })));
  await signIn(page, "/quarantine?reason=no_kind");
  const open = await openCount(page, "Missing event type");
  expect(open).toBeGreaterThanOrEqual(120);
  await expect(items(page).getByRole("link")).toHaveCount(100);
  await page.getByRole("button", { name: "Load more" }).click();
  await expect(items(page).getByRole("link")).toHaveCount(open);

  await page.getByRole("button", { name: `Retry all ${open}…` }).click();
  await expect(dialog(page).getByRole("status")).toHaveText(`${open} items still cannot, and stay.`);
  await dialog(page).getByRole("button", { name: "Close" }).click();

  await page.getByRole("button", { name: `Discard all ${open}…` }).click();
  await dialog(page).getByLabel("Why").fill(`All of ${run}`);
  await deliver([{ order: `late of ${run}` }]);
  await dialog(page)
    .getByRole("button", { name: `Discard ${open} items` })
    .click();
  await expect(dialog(page).getByRole("alert")).toContainText(`The selection now matches ${open + 1} items.`);
  await dialog(page).getByRole("button", { name: "Try again" }).click();
  await dialog(page)
    .getByRole("button", { name: `Discard ${open + 1} items` })
    .click();
  await expect(dialog(page).getByRole("status")).toHaveText(`${open + 1} items discarded.`);
  await dialog(page).getByRole("button", { name: "Close" }).click();
  await expect(page.getByText("Nothing is listed for this reason.")).toBeVisible();
});

test("a retry shows the result of each item and can be stopped", async ({ page }) => {
  await deliver([`a text ${randomUUID()}`]);
  const ids = Array.from({ length: 120 }, (_, n) => n + 1);
  let respond = (): void => {};
  await page.route("**/api/quarantine/retry", async (route) => {
    const body = route.request().postDataJSON() as { dry_run?: boolean; select: { ids?: number[] } };
    const outcome = (id: number): string => (id === 1 ? "failed" : id === 2 ? "duplicate" : "stored");
    const entries = (body.select.ids ?? ids).map((id) => ({
      id,
      outcome: body.dry_run ? (id > 118 ? "failed" : "readable") : outcome(id),
      detail: id === 1 ? "Postgres still refuses it." : "",
    }));
    if (body.select.ids?.includes(51)) await new Promise<void>((resolve) => (respond = resolve));
    await route.fulfill({ json: { matched: entries.length, resolved: 0, failed: 0, items: entries } });
  });
  await signIn(page, "/quarantine");
  await page.getByRole("button", { name: /^Retry all/ }).click();
  await expect(dialog(page).getByRole("status")).toHaveText(
    "118 items can be read now; 2 items still cannot, and stay.",
  );
  await dialog(page).getByRole("button", { name: "Retry 118 items" }).click();
  await expect(dialog(page).getByRole("status")).toHaveText("50 of 118 tried.");
  await expect(dialog(page).getByRole("progressbar")).toHaveAttribute("value", "50");
  await dialog(page).getByRole("button", { name: "Stop" }).click();
  respond();
  await expect(dialog(page).getByRole("status")).toHaveText(
    "98 stored, 1 already stored, 1 still refused. Stopped: 18 items not tried.",
  );
  const results = dialog(page).getByRole("list", { name: "Results" }).getByRole("listitem");
  await expect(results.first()).toHaveText(/Item 1\s*Still refused\s*Postgres still refuses it\./);
  await expect(results.nth(1)).toHaveText(/Item 2\s*Already stored/);
});

test("a delivery with a wrong signature is listed with its likely cause and the fix", async ({ page }) => {
  await signIn(page, "/refusals");
  const wrong = page.getByRole("region", { name: "Wrong signature" });
  // The server explains at most one refusal per second and network, so retry until this one is explained.
  await expect(async () => {
    expect((await post(`["${randomUUID()}"]`, webhook.url.replace(/\/$/, ""))).status).toBe(401);
    await page.getByRole("button", { name: "Refresh" }).click();
    await expect(wrong.getByRole("table")).toContainText("The trailing slash differs.", { timeout: 2_000 });
  }).toPass();
  await expect(wrong.getByRole("table")).toContainText(`WEBHOOK_URLS contains ${webhook.url}`);
  await expect(wrong).toContainText("The signature matches none of the configured keys and addresses.");
  await expect(page.getByRole("main")).toContainText("Compare WEBHOOK_KEYS and WEBHOOK_URLS");
  await expect(wrong).toContainText(/\d+ requests? from \d+ network/);
  await page.getByRole("link", { name: "System" }).click();
  const finding = page.getByRole("listitem").filter({ hasText: "near miss: slash" });
  await expect(finding).toContainText("Fails");
  await finding.getByRole("link", { name: "See the refusals" }).click();
  await expect(page).toHaveURL("/refusals");
  // Three that look like Mandrill's raise an alarm, which stands above what else notifies.
  for (let n = 0; n < 3; n++) await post(JSON.stringify([event("send")]), webhook.url.replace(/\/$/, ""));
  await page.goto("/notifications");
  await expect(page.getByRole("list", { name: "Unread alerts" })).toContainText(
    "Mandrill deliveries are being refused",
  );
  await page.goto("/refusals");
  // Refused deliveries of Mandrill's are counted in the navigation, too.
  await page.reload();
  await expect(page.getByRole("link", { name: /^Refusals ?, \d+\+? of Mandrill$/ })).toBeVisible();
});

test("the system page shows its checks, and the setup guide until the first event arrives", async ({
  page,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  let noEvents = true;
  await page.route("**/api/system", async (route) => {
    const response = await route.fetch();
    const report = (await response.json()) as { findings: { check: string; state: string }[] };
    for (const finding of report.findings) if (finding.check === "last_event" && noEvents) finding.state = "warn";
    await route.fulfill({ response, json: report });
  });
  await signIn(page, "/system");
  await expect(page.getByRole("listitem").filter({ hasText: "Postgres" }).first()).toContainText("In order");
  const guide = page.getByRole("region", { name: "Nothing has been received yet" });
  await expect(guide.getByRole("listitem").first()).toContainText(webhook.url);
  await guide.getByRole("button", { name: "Copy the address" }).click();
  await expect(guide.getByRole("status")).toHaveText("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(webhook.url);
  await expect(guide).toContainText("ingest webhook add");
  // The first delivery hides the guide.
  noEvents = false;
  await deliver([event("send")]);
  await expect(guide).toBeHidden();
  await expect(page.getByRole("heading", { name: "Webhook address", exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Check again" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Checked again." })).toBeAttached();
});

test("the events page shows the setup guide while there are no events", async ({ page }) => {
  await page.route("**/api/events?*", (route) => route.fulfill({ json: { items: [], next: null } }));
  await signIn(page);
  await expect(page.getByRole("region", { name: "Nothing has been received yet" })).toContainText("/webhook/");
  await page.getByRole("link", { name: "Check this server" }).click();
  await expect(page).toHaveURL("/system");
});

test("a failed request shows the server's message and can be retried", async ({ page }) => {
  await deliver([`a text ${randomUUID()}`]);
  await signIn(page, "/notifications");
  for (const path of ["/quarantine", "/refusals", "/system"]) {
    const address = `**/api${path}*`;
    await page.route(address, (route) =>
      route.fulfill({ status: 503, json: { code: "database_away", detail: "Something failed here; it was logged." } }),
    );
    await page.goto(path);
    const alert = page.getByRole("alert");
    await expect(alert).toContainText("Something failed here; it was logged.");
    await page.unroute(address);
    await alert.getByRole("button", { name: "Try again" }).click();
    await expect(alert).toBeHidden();
    await expect(page.getByRole("main").getByRole("button").first()).toBeVisible();
  }
});

test("viewers have no links to admin pages and cannot open them", async ({ page }) => {
  await page.route("**/api/session", async (route) => {
    const response = await route.fetch();
    const answer = (await response.json()) as { user?: { role: string } | null };
    if (answer.user) answer.user.role = "viewer";
    await route.fulfill({ response, json: answer });
  });
  const requested: string[] = [];
  page.on("request", (request) => {
    if (/\/api\/(quarantine|refusals|system|tokens|users)/.test(request.url())) requested.push(request.url());
  });
  await signIn(page);
  await expect(page.getByRole("link", { name: "Notifications" })).toBeVisible();
  for (const name of ["Quarantine", "Refusals", "System", "Users", "Tokens", "Simulate"]) {
    await expect(page.getByRole("link", { name })).toHaveCount(0);
    await page.goto(`/${name.toLowerCase()}`);
    await expect(page.getByRole("main")).toContainText("does not include this page");
  }
  expect(requested).toEqual([]);
});

test("at 320 px nothing scrolls horizontally, and More opens the admin pages", async ({ page }) => {
  await deliver([`a text ${randomUUID()} ${"without an end ".repeat(30)}${"x".repeat(300)}`]);
  expect((await post(`["${randomUUID()}"]`, "elsewhere")).status).toBe(401);
  await page.setViewportSize({ width: 320, height: 640 });
  await signIn(page);
  const overflow = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const more = page.getByRole("button", { name: /^More/ });
  await more.click();
  await expect(page.getByRole("link", { name: "System" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("link", { name: "System" })).toBeHidden();
  await expect(more).toBeFocused();
  for (const name of ["System", "Refusals", "Quarantine"]) {
    await more.click();
    // The quarantine link includes the number of open items.
    await page.getByRole("link", { name: new RegExp(`^${name}`) }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeFocused();
    await expect(
      page
        .getByRole("main")
        .getByRole(name === "System" ? "list" : "table")
        .first(),
    ).toBeVisible();
    expect(await overflow()).toBeLessThanOrEqual(0);
  }
  await items(page).getByRole("link").first().click();
  await expect(panel(page).locator("pre")).toBeVisible();
  const panelOverflow = await panel(page)
    .getByRole("region")
    .evaluate((element) => element.scrollWidth - element.clientWidth);
  expect(panelOverflow).toBe(0);
  await panel(page).getByRole("button", { name: "Retry…" }).click();
  await expect(dialog(page).getByRole("list")).toBeVisible();
  expect(await dialog(page).evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
});

test("the navigation shows the number of open quarantine items and updates after a discard", async ({ page }) => {
  await deliver([randomUUID()]);
  await signIn(page);
  const link = page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: /^Quarantine/ });
  const count = async (): Promise<number> => {
    const answer = (await (await page.request.get("/api/quarantine?limit=1")).json()) as { open: { count: number }[] };
    return answer.open.reduce((sum, group) => sum + group.count, 0);
  };
  const before = await count();
  await expect(link).toHaveText(`Quarantine, ${before > 99 ? "99+" : before} open`);
  await page.goto("/quarantine?reason=not_an_object");
  await page.getByRole("button", { name: /^Discard all/ }).click();
  await dialog(page).getByLabel("Why").fill("made up");
  await dialog(page)
    .getByRole("button", { name: /^Discard \d/ })
    .click();
  await dialog(page).getByRole("button", { name: "Close" }).click();
  await expect(page.getByText("Nothing is listed for this reason.")).toBeVisible();
  const after = await count();
  expect(after).toBeLessThan(before);
  await expect(link).toHaveText(after === 0 ? "Quarantine" : `Quarantine, ${after > 99 ? "99+" : after} open`);
});
