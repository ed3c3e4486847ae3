import { randomUUID } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { deliver, event, expect, signIn, test } from "./support";

const palette = (page: Page): Locator => page.getByRole("dialog", { name: "Find anything" });
const field = (page: Page): Locator => page.getByRole("combobox", { name: "Find anything" });
const group = (page: Page, name: string): Locator => palette(page).getByRole("group", { name }).getByRole("option");

/** Opens the palette, types and presses Enter once the first entry has this text. */
async function find(page: Page, text: string, first: string | RegExp): Promise<void> {
  await page.keyboard.press("Control+k");
  await expect(field(page)).toBeFocused();
  await page.keyboard.type(text);
  await expect(palette(page).getByRole("option").first()).toContainText(first);
  await page.keyboard.press("Enter");
  await expect(palette(page)).toBeHidden();
}

test("people, messages, names, pages and actions are found by typing, and what was chosen last comes first", async ({
  page,
}) => {
  const run = randomUUID().slice(0, 8);
  const address = `wanda.${run}@example.com`;
  const sent = event("send", {
    email: address,
    subject: `Receipt number ${run}`,
    template: `receipt-${run}`,
    tags: [`vip-${run}`],
  });
  await deliver([sent, event("open", { email: address, subject: `Other ${run}` })]);
  await signIn(page);
  await find(page, `wanda.${run}`, address);
  await expect(page).toHaveURL(`/recipients/${encodeURIComponent(address)}`);
  await find(page, `receipt number ${run}`, `Receipt number ${run}`);
  await expect(page).toHaveURL(`/messages/${sent["_id"]}`);
  // A whole name is found before the messages that have it.
  await find(page, `receipt-${run}`, `receipt-${run}1 event`);
  await expect(page).toHaveURL(`/templates/receipt-${run}`);
  await page.goto("/system");
  await expect(page.getByRole("heading", { level: 1, name: "System" })).toBeVisible();
  await find(page, `${sent["_id"]}`, `Receipt number ${run}`);
  await expect(page).toHaveURL(`/messages/${sent["_id"]}`);

  // The button opens the palette, too; the arrows choose.
  await page.getByRole("button", { name: "Find anything" }).click();
  await field(page).fill(run);
  await expect(group(page, "Templates")).toHaveText([`receipt-${run}1 event`]);
  await expect(group(page, "Tags")).toHaveText([`vip-${run}1 event`]);
  await expect(group(page, "Messages")).toHaveCount(2);
  // A message tells what became of it.
  await expect(group(page, "Messages").filter({ hasText: "Receipt" })).toContainText(`${address} · Sent · `);
  await expect(group(page, "Search")).toHaveText([`Events with “${run}”`]);
  await page.keyboard.press("ArrowUp");
  await expect(group(page, "Search")).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/?q=${run}`);

  await find(page, "health", "System");
  await expect(page).toHaveURL("/system");
  await find(page, "dark theme", "Switch to the dark theme");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await find(page, "kind:opened nobody", "Events with “kind:opened nobody”");
  await expect(page).toHaveURL("/?kind=open&q=nobody");

  await page.keyboard.press("Control+k");
  await expect(group(page, "Recent").first()).toContainText("Events with “kind:opened nobody”");
  await expect(group(page, "Recent")).toContainText(["kind:opened", "System", run, "Receipt number", "receipt-"]);
  await page.keyboard.press("Escape");
  await expect(palette(page)).toBeHidden();
});

test("a saved view is found, Esc returns to where one was, and signing out forgets what was chosen", async ({
  page,
}) => {
  await deliver([event("send")]);
  await signIn(page);
  const name = `Mine ${randomUUID().slice(0, 8)}`;
  const saved = await page.request.post("/api/views", {
    data: { name, query: "kind=hard_bounce", shared: false },
    headers: { "x-requested-with": "fetch" },
  });
  expect(saved.status()).toBe(201);
  await page.reload();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await find(page, name, name);
  await expect(page).toHaveURL("/?kind=hard_bounce");
  const bar = page.getByRole("combobox", { name: "Search events" });
  await bar.focus();
  await page.keyboard.press("Control+k");
  await expect(field(page)).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(bar).toBeFocused();
  await find(page, "sign out", "Sign out");
  await expect(page.getByLabel("E-mail")).toBeVisible();
  await signIn(page);
  await page.keyboard.press("Control+k");
  await expect(group(page, "Pages").first()).toBeVisible();
  await expect(group(page, "Recent")).toHaveCount(0);
});
