import { randomUUID } from "node:crypto";
import { deliver, event, expect, row, signIn, test } from "./support";

test("a typed filter is kept in the URL, applies to live events, and is removed by its chips", async ({ page }) => {
  const run = randomUUID();
  const [matching, other] = [`Wanted ${run}`, `Other ${run}`];
  const deliverBatch = (): Promise<unknown> =>
    deliver([
      event("open", { subject: matching, tags: ["vip"] }),
      event("send", { subject: matching }),
      event("open", { subject: other }),
    ]);
  await deliverBatch();
  await signIn(page);
  await expect(row(page, run)).toHaveCount(3);
  const field = page.getByRole("searchbox", { name: "Filter events" });
  await field.fill(`kind:open tag:vip wanted ${run}`);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\?kind=open&q=wanted\+|\?kind=open&q=wanted%20|\?kind=open&q=wanted/);
  await expect(row(page, run)).toHaveCount(1);
  await deliverBatch();
  await expect(row(page, run)).toHaveCount(2);
  await expect(row(page, other)).toHaveCount(0);

  // The URL restores the filter, and each chip can be removed.
  await page.reload();
  await expect(row(page, run)).toHaveCount(2);
  const chips = page.getByRole("list", { name: "Filters" });
  await chips.getByRole("button", { name: "Remove filter kind: open" }).click();
  await chips.getByRole("button", { name: "Remove filter tag: vip" }).click();
  await expect(row(page, matching)).toHaveCount(4);
  await expect(row(page, other)).toHaveCount(0);
  await chips.getByRole("button", { name: "Clear all" }).click();
  await expect(page).toHaveURL("/");
  await expect(row(page, run)).toHaveCount(6);
  await row(page, matching).getByRole("button", { name: "vip" }).first().click();
  await page.getByRole("link", { name: "Only this" }).click();
  await expect(page).toHaveURL("/?tag=vip");
  await page.goBack();
  await expect(page).toHaveURL("/");

  // An invalid value shows the server's error and no events that do not match.
  await field.fill("simulated:perhaps");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("`simulated` does not take that value");
  await page.getByRole("button", { name: "Remove filter simulated: perhaps" }).click();
  await expect(row(page, run)).toHaveCount(6);
});

test("at 390 px the search and buttons fit on two lines without overflow", async ({ page }) => {
  await deliver([event("open")]);
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, "/?kind=open&from=24h");
  const field = page.getByRole("searchbox", { name: "Filter events" });
  const box = async (name: string | RegExp) =>
    (await page.getByRole("main").getByRole("button", { name }).first().boundingBox()) ?? { y: 0, x: 0, width: 0 };
  await expect(field).toBeVisible();
  const [first, second] = [(await box("Help")).y, (await box("Pause")).y];
  expect(Math.abs(first - ((await field.boundingBox())?.y ?? 0))).toBeLessThan(4);
  for (const name of [/^Save this view/, "Last 24 hours", "Export"])
    expect((await box(name)).y, `${name}`).toBe(second);
  const last = await box("Pause");
  expect(last.x + last.width).toBeLessThanOrEqual(390);
  await page.getByRole("button", { name: "Export" }).click();
  await expect(page.getByRole("link", { name: "CSV, for other programs" })).toBeVisible();
});
