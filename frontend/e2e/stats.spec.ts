import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { deliver, event, expect, signIn, test } from "./support";

const table = (page: Page, name: string) => page.getByRole("table", { name });
/** Parses `1,234` or `–` as a number. */
const number = (text: string | null): number => Number((text ?? "").replace(/[^\d.]/g, ""));

/** The number of events of a kind, as shown on the page. */
async function count(page: Page, kind: string): Promise<number> {
  await expect(page.getByText(/Counted by when events were received/)).toBeVisible();
  const row = table(page, "Events by kind").getByRole("row").filter({ hasText: kind });
  return (await row.count()) === 0 ? 0 : number(await row.getByRole("cell").nth(1).textContent());
}

test("posted events are counted by kind, time, tag, template and bounce reason", async ({ page }) => {
  const run = randomUUID();
  const [tag, template, reason] = [`tag-${run}`, `template-${run}`, `550 5.1.1 No such user in the vault, ${run}`];
  const mail = { tags: [tag], template };
  // Enough events to be among the top ten regardless of other tests.
  const posted = { Sent: 400, Opened: 100, "Soft bounce": 10, Bounced: 30, Spam: 1 };
  const sent = Array.from({ length: posted.Sent }, () => event("send", mail));
  await deliver(sent.slice(0, 1));
  await signIn(page, "/stats?range=24h&zone=UTC");
  const before: Record<string, number> = {};
  for (const kind of Object.keys(posted)) before[kind] = await count(page, kind);
  const batchOf = (kind: string, length: number, more = {}): unknown[] =>
    Array.from({ length }, () => event(kind, { ...mail, ...more }));
  await deliver([
    ...sent.slice(1),
    // Only opens of mail that was sent in the same time count as a share of it.
    ...sent.slice(0, posted.Opened).map((one) => ({ ...one, event: "open" })),
    ...batchOf("soft_bounce", posted["Soft bounce"], { diag: reason }),
    ...batchOf("hard_bounce", posted.Bounced, { diag: reason }),
    ...batchOf("spam", posted.Spam),
  ]);
  await page.getByRole("button", { name: "Refresh" }).click();
  for (const [kind, total] of Object.entries(posted)) {
    const added = kind === "Sent" ? total - 1 : total;
    await expect.poll(() => count(page, kind), { message: kind }).toBe((before[kind] ?? 0) + added);
  }

  // 40 of 400 bounced and 100 were opened.
  for (const [name, value] of [
    ["Tags", tag],
    ["Templates", template],
  ] as const) {
    const cells = table(page, name).getByRole("row").filter({ hasText: value }).getByRole("cell");
    await expect(cells).toHaveText([value, "400", "10.0 %", "25.0 %", "0.0 %"]);
  }
  // Variable numbers in a reason are replaced, so that equal reasons are counted together.
  const vault = table(page, "Bounce texts").getByRole("row").filter({ hasText: "in the vault, #" });
  await expect(vault.getByRole("cell").last()).toHaveText("40");
  await expect(table(page, "Receiving domains")).toContainText("example.com");

  // Each rate shows its formula with the actual numbers.
  const sentCount = await count(page, "Sent");
  const bounced = (await count(page, "Soft bounce")) + (await count(page, "Bounced"));
  const bounce = page.getByRole("list", { name: "Rates" }).getByRole("listitem").filter({ hasText: "hard + soft" });
  const bounceText = (await bounce.textContent()) ?? "";
  expect(bounceText.replaceAll(",", "")).toContain(`(hard + soft) ÷ sent= ${bounced} ÷ ${sentCount}`);
  const share = (bounced / sentCount) * 100;
  expect(bounceText).toContain(`${share.toFixed(share < 1 ? 2 : 1)} %`);

  // The chart shows the same numbers by keyboard and as a table.
  const chart = page.getByRole("slider", { name: /^Volume by hour/ });
  await chart.focus();
  await page.keyboard.press("End");
  await expect(chart).toHaveAttribute("aria-valuetext", /: sent [\d,]+ · /);
  await page.keyboard.press("Home");
  await expect(chart).toHaveAttribute("aria-valuetext", /: nothing$/);
  await page.getByRole("figure", { name: "Chart" }).getByText("Show as a table").click();
  const rows = page.getByRole("region", { name: "Table of the chart" }).getByRole("row");
  const columns = await rows.evaluateAll((all) =>
    all.slice(1).map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent)),
  );
  const sum = (column: number): number => columns.reduce((all, cells) => all + number(cells[column] ?? null), 0);
  expect(sum(1)).toBe(sentCount);

  await table(page, "Tags").getByRole("link", { name: tag }).click();
  // The page of a name is about the same time.
  await expect(page).toHaveURL(`/tags/${tag}?range=24h&zone=UTC`);
  await expect(page.getByRole("list", { name: "Rates" })).toContainText("= 40 ÷ 400");
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "-1");
});

test("range and zone are kept in the URL, and a day without events shows a message", async ({ page }) => {
  await deliver([event("send")]);
  await signIn(page, "/stats");
  await page.getByRole("button", { name: "by time of receipt" }).click();
  await page.getByLabel("Zone").fill("nowhere");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toHaveText("There is no such zone.");
  await page.getByLabel("Zone").fill("asia/tokyo");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/stats?range=7d&zone=Asia/Tokyo");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Asia/Tokyo · by time of receipt" })).toBeVisible();
  const ranges = page.getByRole("group", { name: "Time" });
  await ranges.getByRole("button", { name: "30 days" }).click();
  await expect(page).toHaveURL("/stats?range=30d&zone=Asia/Tokyo");
  await expect(page.getByRole("slider", { name: /^Volume by day/ })).toBeVisible();
  await page.getByRole("button", { name: /^Bounced/ }).click();
  await expect(page).toHaveURL("/stats?range=30d&zone=Asia/Tokyo&only=bounced");
  await page.reload();
  await expect(page.getByRole("button", { name: /^Bounced/ })).toHaveAttribute("aria-pressed", "true");
  await ranges.getByRole("button", { name: "Days…" }).click();
  await page.getByLabel("First day").fill("2020-02-01");
  await page.getByLabel("Last day").fill("2020-02-01");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(page.getByText(/Nothing happened from Feb 1, 2020, 12:00/)).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("slider")).toBeVisible();
});

test("the chart changes between volume, rates and engagement, zooms in, and compares with the time before", async ({
  page,
}) => {
  await deliver([event("send"), event("delivered"), event("open"), event("hard_bounce")]);
  await signIn(page, "/stats?range=7d&zone=UTC");
  await expect(page.getByText(/^[\d,]+ messages? sent, .* bounced/)).toBeVisible();
  await expect(page.getByText("In the time before, there is nothing to compare with.")).toBeVisible();
  await page.getByRole("button", { name: "Rates", exact: true }).click();
  await expect(page).toHaveURL("/stats?range=7d&zone=UTC&tab=rates");
  const chart = page.getByRole("slider");
  await chart.focus();
  await page.keyboard.press("End");
  await expect(chart).toHaveAttribute("aria-valuetext", /\(a part of it\): delivery [\d.]+ % · bounce [\d.]+ %/);
  const rates = page.getByRole("list", { name: "Rates" });
  await rates.getByRole("button", { name: "Bounce" }).click();
  await expect(page).toHaveURL("/stats?range=7d&zone=UTC&tab=rates&only=bounce");
  await expect(chart).toHaveAttribute("aria-valuetext", /\(a part of it\): bounce [\d.]+ %$/);
  await page.getByRole("button", { name: "Engagement" }).click();
  await page.getByRole("button", { name: "UTC · by time of receipt" }).click();
  await page.getByRole("checkbox", { name: "Compare" }).uncheck();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL("/stats?range=7d&zone=UTC&tab=engagement&compare=false");
  await expect(page.getByText("In the time before")).toBeHidden();

  // Dragging over the last two of seven days zooms in to their hours.
  const box = await page.locator(".line-chart .u-over").boundingBox();
  if (box === null) throw new Error("no chart");
  const [y, day] = [box.y + 40, box.width / 7];
  await page.mouse.move(box.x + 5.2 * day, y);
  await page.mouse.down();
  await page.mouse.move(box.x + 6.8 * day, y, { steps: 5 });
  await page.mouse.up();
  await expect(page).toHaveURL(/&zoom=\d{4}-\d\d-\d\dT00:00:00.000Z\.\.\d{4}-\d\d-\d\dT00:00:00.000Z/);
  await expect(page.getByRole("slider", { name: /^Engagement by hour/ })).toHaveAttribute("aria-valuemax", "48");
  await page.getByRole("button", { name: "Zoom out" }).click();
  await expect(page.getByRole("slider", { name: /^Engagement by day/ })).toBeVisible();
  // A click zooms in to one day.
  await page.locator(".line-chart .u-over").click({ position: { x: 6.5 * day, y: 40 } });
  await expect(page.getByRole("slider", { name: /^Engagement by hour/ })).toBeVisible();
});

test("mail programs, devices, countries and links are those of persons", async ({ page }) => {
  const run = randomUUID();
  const person = {
    user_agent: "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
    location: { country: `Land ${run}` },
    ip: "203.0.113.7",
  };
  await deliver([
    ...Array.from({ length: 30 }, () => ({ ...event("open"), ...person })),
    ...Array.from({ length: 30 }, () => ({
      ...event("open"),
      ...person,
      user_agent: "Mimecast",
      location: { country: run },
    })),
    ...Array.from({ length: 40 }, () => ({ ...event("click"), ...person, url: `https://shop.example.com/${run}` })),
  ]);
  await signIn(page, "/stats?range=24h&zone=UTC");
  await expect(table(page, "Mail programs").getByRole("row").filter({ hasText: "Thunderbird" })).toBeVisible();
  await expect(table(page, "Devices")).toContainText("Computer");
  await expect(
    table(page, "Countries")
      .getByRole("row")
      .filter({ hasText: `Land ${run}` }),
  ).toContainText("30");
  await expect(
    table(page, "Countries")
      .getByRole("row")
      .filter({ hasText: new RegExp(`^${run}`) }),
  ).toHaveCount(0);
  await table(page, "Clicked links").getByRole("link", { name: run }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Link" })).toBeVisible();
});

test("a table that was jumped to stays in sight while the tables of the audience arrive", async ({ page }) => {
  const each = Array.from({ length: 10 }, (_, at) => at);
  const mail = (at: number) => ({
    tags: [`tag-${at}`],
    template: `template-${at}`,
    subaccount: `desk-${at}`,
    email: `a@d${at}.example.com`,
  });
  const person = { user_agent: "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Thunderbird/128.4.0" };
  await deliver(each.map((at) => event("send", mail(at))));
  await deliver(
    each.map((at) => ({
      ...event("click", mail(at)),
      ...person,
      url: `https://example.com/${at}`,
      location: { country: `Country ${at}` },
    })),
  );
  await deliver(each.map((at) => ({ ...event("open", mail(at)), ...person, location: { country: `Country ${at}` } })));
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\/api\/stats\/audience/, async (route) => {
    await held;
    await route.continue();
  });
  await signIn(page, "/stats?range=24h&zone=UTC&time=occurred");
  await page.getByRole("navigation", { name: "On this page" }).getByRole("button", { name: "Subaccounts" }).click();
  const caption = table(page, "Subaccounts").getByRole("columnheader").first();
  await expect(caption).toBeInViewport();
  release();
  await expect(table(page, "Clicked links")).toBeAttached();
  await expect(caption).toBeInViewport();
});

test("subaccounts and hours of the day are counted, and the list of sections leads to them", async ({ page }) => {
  const run = randomUUID().slice(0, 8);
  const mail = { subaccount: `desk-${run}` };
  const ts = Math.floor(Date.now() / 1000) - 60;
  const person = { user_agent: "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Thunderbird/128.4.0" };
  const sent = Array.from({ length: 500 }, () => ({ ...event("send", mail), ts: ts - 60 }));
  const opened = sent.slice(0, 50).map((one) => ({ ...one, event: "open", ...person, ip: "203.0.113.7", ts }));
  await deliver([...sent, ...opened]);
  await signIn(page, "/stats?range=24h&zone=UTC&time=occurred");
  await page.getByRole("navigation", { name: "On this page" }).getByRole("button", { name: "Subaccounts" }).click();
  const cells = table(page, "Subaccounts").getByRole("row").filter({ hasText: mail.subaccount }).getByRole("cell");
  await expect(cells).toHaveText([mail.subaccount, "500", "0.0 %", "10.0 %", "0.0 %"]);
  await expect(cells.first()).toBeInViewport();
  await cells.getByRole("link").click();
  await expect(page).toHaveURL(`/subaccounts/${mail.subaccount}?range=24h&zone=UTC&time=occurred`);
  const hour = new Date(ts * 1000);
  const name = (ahead: number): string =>
    new Date(hour.getTime() + ahead * 3_600_000).toLocaleTimeString("en-US", {
      hour: "numeric",
      timeZone: "UTC",
    });
  const [from, to] = [name(0), name(1)].map((text) => text.replace(/^(\d+)/, "$1:00"));
  await expect(page.getByText(`People open most from ${from} to ${to}: 50 opens.`)).toBeVisible();
  await page.getByRole("figure").filter({ hasText: "Hours of the day" }).getByText("Show as a table").click();
  const row = table(page, "Hours of the day").getByRole("row", { name: `${from} to ${to}` });
  await expect(row.getByRole("cell")).toHaveText([`${from} to ${to}`, "50", "0"]);
});
