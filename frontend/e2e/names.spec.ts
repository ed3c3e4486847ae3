import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { deliver, event, expect, row, signIn, test } from "./support";

/** Only rows near the viewport are rendered, so the grid's own count is read, which includes the header. */
const expectRows = (page: Page, rows: number): Promise<void> =>
  expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", `${rows + 1}`);

test("a template, a tag, a domain, a subaccount and a link have pages with rates, trend, failures and live events", async ({
  page,
}) => {
  const run = randomUUID().slice(0, 8);
  const mail = {
    email: `ada@${run}.example.com`,
    template: `t/${run} %`,
    tags: [`tag ${run}`],
    subaccount: `sub-${run}`,
    subject: `Named ${run}`,
  };
  const url = `https://shop.example.com/${run}?a=b&c=d/e`;
  const bounce = { ...mail, diag: "550 5.1.1 No such user" };
  await deliver([
    ...Array.from({ length: 4 }, () => event("send", mail)),
    event("open", mail),
    { ...event("click", mail), url },
    event("hard_bounce", bounce),
    event("send", { ...mail, template: "another" }),
  ]);
  await signIn(page);
  const rates = page.getByRole("list", { name: "Rates" });
  const bounceRate = rates.getByRole("listitem").filter({ hasText: "hard + soft" });
  for (const [path, name, rows, formula] of [
    ["templates", mail.template, 7, "= 1 ÷ 4"],
    ["tags", mail.tags[0] ?? "", 8, "= 1 ÷ 5"],
    ["domains", `${run}.example.com`, 8, "= 1 ÷ 5"],
    ["subaccounts", mail.subaccount, 8, "= 1 ÷ 5"],
  ] as const) {
    await page.goto(`/${path}/${encodeURIComponent(name)}`);
    await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
    await expectRows(page, rows);
    await expect(bounceRate).toContainText(formula);
    await expect(page.getByRole("slider", { name: /^Volume by day/ })).toBeVisible();
    await expect(page.getByRole("table", { name: "Failure reasons" })).toContainText("No such mailbox");
    await expect(page.getByRole("table", { name: "Clicked links" })).toContainText(url.replace("https://", ""));
    await expect(page.getByRole("table", { name: "Mail programs" })).toBeVisible();
  }
  await deliver([event("open", mail)]);
  await expectRows(page, 9);
  await page.goto(`/links/${encodeURIComponent(url)}`);
  await expect(page.getByRole("heading", { name: url })).toBeVisible();
  await expect(row(page, mail.subject)).toHaveCount(1);
  // Of a link, only clicks are known.
  await expect(page.getByText(/^Clicked 1 time/)).toBeVisible();
  await expect(rates).toBeHidden();
  await expect(page.getByRole("slider", { name: /^Engagement by/ })).toBeVisible();
  await expect(page).toHaveTitle(new RegExp(`Link https://shop.example.com/${run}`));

  // A reason leads to the events that failed for it.
  await page.goto(`/templates/${encodeURIComponent(mail.template)}`);
  await page.getByRole("table", { name: "Failure reasons" }).getByRole("link", { name: "No such mailbox" }).click();
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "2");
  await expect(row(page, mail.subject)).toHaveCount(1);
  await page.goto(`/links/${encodeURIComponent(url)}`);

  // Names link to their pages, and from there to the search.
  await row(page, mail.subject)
    .getByText(mail.tags[0] ?? "", { exact: true })
    .click({ button: "right" });
  await page.getByRole("link", { name: "Open the tag" }).click();
  await expect(page.getByRole("heading", { name: mail.tags[0] ?? "", exact: true })).toBeVisible();
  await expectRows(page, 9);
  await page.getByRole("link", { name: "Search in these events" }).click();
  await expect(page.getByRole("combobox", { name: "Search events" })).toBeFocused();
  await expect(page).toHaveURL(`/?tag=tag+${run}`);
  await expect(page.getByRole("list", { name: "Conditions" })).toContainText(`tag tag ${run}`);
  await page.goto("/tags/nobody-uses-this");
  await expect(page.getByText("No stored event has this name.")).toBeVisible();
});
