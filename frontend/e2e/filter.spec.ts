import { randomUUID } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { deliver, event, expect, row, signIn, test } from "./support";

const field = (page: Page): Locator => page.getByRole("combobox", { name: "Search events" });
const tokens = (page: Page): Locator => page.getByRole("list", { name: "Conditions" }).getByRole("listitem");
const option = (page: Page, name: string | RegExp): Locator => page.getByRole("option", { name });

async function type(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await page.keyboard.press("Enter");
}

test("a typed filter is kept in the URL, applies to live events, and its conditions are removed one by one", async ({
  page,
}) => {
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
  await type(page, `kind:Opened tag:vip wanted ${run}`);
  await expect(page).toHaveURL(/\?kind=open&q=wanted[+%]/);
  await expect(row(page, run)).toHaveCount(1);
  await deliverBatch();
  await expect(row(page, run)).toHaveCount(2);
  await expect(row(page, other)).toHaveCount(0);

  // The URL restores the filter, and each condition can be removed.
  await page.reload();
  await expect(row(page, run)).toHaveCount(2);
  await expect(field(page)).toHaveValue(`wanted ${run}`);
  await page.getByRole("button", { name: "Remove kind: Opened" }).click();
  await page.getByRole("button", { name: "Remove tag: vip" }).click();
  await expect(row(page, matching)).toHaveCount(4);
  await expect(row(page, other)).toHaveCount(0);
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(page).toHaveURL("/");
  await expect(row(page, run)).toHaveCount(6);
});

test("what is typed replaces what stood there, and people are found by their words", async ({ page }) => {
  const run = randomUUID().slice(0, 8);
  const [sophie, tom] = [`sophie-${run}@example.com`, `tom.jones-${run}@example.com`];
  await deliver([
    event("send", { email: sophie, sender: "shop@example.com" }),
    event("open", { email: tom, sender: "shop@example.com" }),
    event("hard_bounce", { email: tom, sender: "news@example.org" }),
  ]);
  await signIn(page);
  await type(page, `sophie-${run}`);
  await expect(row(page, sophie)).toHaveCount(1);
  await expect(row(page, tom)).toHaveCount(0);
  // The shortcut selects the words.
  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("/");
  await page.keyboard.type(`tom.jones-${run}`);
  await page.keyboard.press("Enter");
  await expect(row(page, tom)).toHaveCount(2);
  await expect(row(page, sophie)).toHaveCount(0);
  await type(page, `to:${tom}`);
  await expect(page).toHaveURL(`/?recipient=${tom}`);
  await expect(row(page, tom)).toHaveCount(2);
  await type(page, `from:news@example.org status:bounced`);
  await expect(row(page, tom)).toHaveCount(1);
  await type(page, `email:${sophie} kind:sent from:shop@example.com`);
  await expect(tokens(page)).toHaveText([/kind Sent/, new RegExp(`to ${sophie}`), /from shop@example.com/]);
  await expect(row(page, sophie)).toHaveCount(1);
  // A word of the interface alone stands for its condition.
  await page.getByRole("button", { name: "Clear" }).click();
  await type(page, "Bounced");
  await expect(page).toHaveURL("/?kind=hard_bounce");
  await type(page, '"bounced"');
  await expect(page).toHaveURL("/?kind=hard_bounce&q=bounced");
  await expect(field(page)).toHaveValue('"bounced"');
});

test("names and values are suggested with counts, and chosen by keyboard or pointer", async ({ page }) => {
  const run = randomUUID().slice(0, 8);
  const address = `rita-${run}@example.com`;
  await deliver([
    event("send", { email: address, tags: [`promo-${run}`], template: `offer-${run}`, metadata: { plan: run } }),
    event("open", { email: address, tags: [`promo-${run}`, `a-promo-${run}`] }),
  ]);
  await signIn(page);
  await field(page).fill("temp");
  await expect(option(page, /^template: the message's template$/)).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await expect(field(page)).toHaveValue("template:");
  await field(page).pressSequentially(`offer-${run}`);
  await expect(option(page, `offer-${run} 1`)).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await expect(option(page, `offer-${run} 1`)).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/?template=offer-${run}`);
  await expect(row(page, address)).toHaveCount(1);

  // A name's value with blanks, lists and exclusions.
  await field(page).fill(`-tag:a-promo-${run}`);
  await option(page, `a-promo-${run} 1`).click();
  await expect(page).toHaveURL(`/?not.tag=a-promo-${run}&template=offer-${run}`);
  await page.getByRole("button", { name: "Clear" }).click();
  await field(page).fill("kind:soft");
  await option(page, /^Soft bounce/).click();
  await expect(page).toHaveURL("/?kind=soft_bounce");
  await page.getByRole("button", { name: "Clear" }).click();
  await field(page).fill(`rita-${run.slice(0, 4)}`);
  await option(page, `To: ${address} 2`).click();
  await expect(page).toHaveURL(`/?recipient=${address}`);
  await expect(row(page, address)).toHaveCount(2);
  await page.getByRole("button", { name: "Clear" }).click();
  // The name of a template, a tag or a subaccount is found without saying which it is.
  await field(page).fill(`offer-${run.slice(0, 5)}`);
  await option(page, `Template: offer-${run} 1`).click();
  await expect(page).toHaveURL(`/?template=offer-${run}`);
  await page.getByRole("button", { name: "Clear" }).click();
  await field(page).fill("metadata.pl");
  await option(page, "metadata.plan:").click();
  await field(page).pressSequentially(run);
  await option(page, run).click();
  await expect(page).toHaveURL(`/?metadata.plan=${run}`);
  await page.getByRole("button", { name: "Clear" }).click();

  // A part of a value.
  await type(page, `tag:PROMO-${run}*`);
  await expect(tokens(page)).toHaveText([`tag begins with PROMO-${run}`]);
  await expect(row(page, address)).toHaveCount(2);
  await type(page, `tag:*${run}*`);
  await expect(row(page, address)).toHaveCount(2);
  await deliver([event("click", { email: address, tags: [`late-promo-${run}`] })]);
  await expect(row(page, address)).toHaveCount(3);
});

test("conditions are edited in place by mouse and keyboard", async ({ page }) => {
  const run = randomUUID();
  await deliver([event("open", { subject: run, tags: ["vip"] }), event("click", { subject: run, tags: ["vip"] })]);
  await signIn(page, `/?kind=open&tag=vip&q=${run}`);
  await expect(row(page, run)).toHaveCount(1);
  const editor = page.getByRole("combobox", { name: "Edit the condition" });
  await tokens(page).filter({ hasText: "kind" }).getByRole("button").first().click();
  await expect(editor).toHaveValue("kind:opened");
  await editor.fill("kind:opened,clicked");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp("kind=open,click|kind=open%2Cclick"));
  await expect(row(page, run)).toHaveCount(2);
  await expect(field(page)).toBeFocused();
  await expect(tokens(page).first()).toHaveText("kind Opened, Clicked");

  // From the start of the words, the arrows reach the tokens.
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowLeft");
  await expect(tokens(page).nth(1).getByRole("button").first()).toBeFocused();
  await page.keyboard.press("ArrowLeft");
  await expect(tokens(page).nth(0).getByRole("button").first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(editor).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await expect(editor).toBeHidden();
  await expect(field(page)).toBeFocused();
  await page.keyboard.press("Home");
  await page.keyboard.press("Backspace");
  await expect(editor).toHaveValue("tag:vip");
  await editor.fill("");
  await page.keyboard.press("Enter");
  await expect(tokens(page)).toHaveCount(1);
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Delete");
  await expect(page).toHaveURL(`/?q=${run}`);
});

test("a condition that makes no sense is marked where it stands and asks nothing of the server", async ({ page }) => {
  const run = randomUUID();
  await deliver([event("open", { subject: run })]);
  await signIn(page, `/?q=${run}`);
  await expect(row(page, run)).toHaveCount(1);
  const asked: string[] = [];
  page.on("request", (request) => request.url().includes("/api/events") && asked.push(request.url()));
  await type(page, `from:24h simulated:perhaps ${run}`);
  const marked = tokens(page).getByRole("button", { name: /Edit$/ });
  await expect(marked).toHaveCount(2);
  await expect(marked.first()).toHaveAccessibleName("from:24h: “from:” takes an address. Did you mean “since:”? Edit");
  await expect(marked.first()).toHaveAttribute("aria-invalid", "true");
  await expect(page).toHaveURL(`/?q=${run}`);
  expect(asked).toEqual([]);
  await expect(row(page, run)).toHaveCount(1);
  await page.getByRole("button", { name: "since:24h?" }).click();
  await expect(page).toHaveURL(`/?from=24h&q=${run}`);
  await expect(page.getByRole("button", { name: "Last 24 hours" })).toBeVisible();
  await page.getByRole("button", { name: "Remove simulated:perhaps" }).click();
  await expect(tokens(page)).toHaveCount(0);
});

test("the toggles show how often each kind occurs, and choose kinds", async ({ page }) => {
  const run = randomUUID();
  await deliver([
    event("send", { subject: run }),
    event("open", { subject: run }),
    event("open", { subject: run }),
    event("brand_new", { subject: run }),
  ]);
  await signIn(page, `/?q=${run}`);
  // Few events are stored, so that the counts cover all that the list shows.
  const kinds = page.getByRole("group", { name: "Kinds, all time" });
  await expect(kinds.getByRole("button")).toHaveText(["Sent1", "Opened2", "Brand new1"]);
  await kinds.getByRole("button", { name: "Opened" }).click();
  await expect(page).toHaveURL(`/?kind=open&q=${run}`);
  await expect(row(page, run)).toHaveCount(2);
  await expect(kinds.getByRole("button", { name: "Opened" })).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByRole("figure", { name: "Events over time" })).toContainText("2 events: 2 opened");
  await kinds.getByRole("button", { name: "Sent" }).click();
  await expect(row(page, run)).toHaveCount(3);
  await deliver([event("open", { subject: run })]);
  await expect(kinds.getByRole("button")).toHaveText(["Sent1", "Opened3", "Brand new1"]);
  await kinds.getByRole("button", { name: "Sent" }).click();
  await kinds.getByRole("button", { name: "Opened" }).click();
  await expect(page).toHaveURL(`/?q=${run}`);
  await expect(row(page, run)).toHaveCount(5);
});

test("on a phone, one button opens a sheet with what chooses events, within reach of the thumb", async ({ page }) => {
  const run = randomUUID();
  await deliver([event("open", { subject: run }), event("send", { subject: run }), event("click", { subject: run })]);
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, `/?q=${run}`);
  await expect(row(page, run)).toHaveCount(3);
  const filters = page.getByRole("button", { name: "Filters" });
  // Search and the button share a row.
  const [bar, button] = [await field(page).boundingBox(), await filters.boundingBox()];
  expect(Math.abs((bar?.y ?? 0) - (button?.y ?? 99))).toBeLessThan(12);
  expect((button?.x ?? 0) + (button?.width ?? 0)).toBeLessThanOrEqual(390);
  await filters.click();
  const sheet = page.getByRole("dialog", { name: "Filters" });
  for (const name of [/^Save this view/, "All time", "Export", "Pause", /^Opened/])
    expect((await sheet.getByRole("button", { name }).boundingBox())?.y, `${name}`).toBeGreaterThan(422);
  await sheet.getByRole("button", { name: /^Opened/ }).click();
  await sheet.getByRole("button", { name: /^Clicked/ }).click();
  await sheet.getByRole("button", { name: "All time" }).click();
  await page.getByRole("link", { name: "Last 24 hours" }).click();
  await sheet.getByRole("button", { name: "Done" }).click();
  await expect(sheet).toBeHidden();
  await expect(page).toHaveURL(/kind=open(?:,|%2C)click/);
  await expect(row(page, run)).toHaveCount(2);
  await expect(filters).toHaveAccessibleName(/^Filters ?, 2 in effect$/);
  await filters.click();
  await sheet.getByRole("button", { name: "Export" }).click();
  await expect(page.getByRole("link", { name: "CSV, for other programs" })).toBeVisible();
});

test("without any match, the values that contain the words are offered", async ({ page }) => {
  const run = randomUUID().slice(0, 8);
  const url = `https://shop.example.com/${run}/offer`;
  await deliver([{ ...event("click", { subject: "An offer" }), url }]);
  await signIn(page, `/?q=${run}%2Foffer`);
  await page
    .getByRole("list", { name: "Values with these words" })
    .getByRole("link", { name: `link: ${url}` })
    .click();
  await expect(page).toHaveURL(`/?url=${url}`);
  await expect(page.getByRole("grid").getByText("Clicked")).toBeVisible();
});

test("among many events, the chart says that it counts the last day, or the last 30 if that has none", async ({
  page,
}) => {
  const run = randomUUID().slice(0, 8);
  await deliver([event("click", { subject: run })]);
  // Stands in for more events than the server counts as a whole.
  await page.route(/\/api\/events\/histogram/, async (route) => {
    const url = new URL(route.request().url());
    if (!url.searchParams.has("from")) url.searchParams.set("from", new Date(Date.now() - 86_400_000).toISOString());
    await route.continue({ url: url.href });
  });
  await signIn(page, `/?q=${run}`);
  await expect(page.getByRole("group", { name: "Kinds, last 24 hours" })).toContainText("Clicked1");
  await page.goto(`/?q=nothing-${run}`);
  await expect(page.getByRole("group", { name: "Kinds, last 30 days" })).toBeVisible();
  await expect(page.getByRole("slider")).toHaveAttribute("aria-valuetext", /: no events$/);
  const text = (await page.getByRole("slider").getAttribute("aria-valuetext")) ?? "";
  const month = new Date(Date.now() - 30 * 86_400_000).toLocaleDateString("en-US", { month: "short", day: "numeric" });
  expect(text).toContain(month);
});
