import { randomUUID } from "node:crypto";
import { deliver, event, expect, row, signIn, test } from "./support";

/** What the server says of a search that took too long, before it found anything. Which searches do depends on the machine. */
test("a search that takes long says how far it came, goes on when asked, and misses nothing live", async ({ page }) => {
  const run = randomUUID();
  await deliver([event("open", { subject: `Before ${run}` })]);
  const searchedTo = new Date().toISOString();
  let isFirst = true;
  await page.route("**/api/events?*", async (route) => {
    const query = new URL(route.request().url()).searchParams;
    if (!isFirst || query.get("q") !== run) return route.continue();
    isFirst = false;
    const next = `${Date.parse(searchedTo) * 1000}-999999999`;
    return route.fulfill({ json: { items: [], next, searched_to: searchedTo } });
  });
  await signIn(page, `/?q=${run}`);
  const progress = page.getByText(/^Searched back to .*\. 0 found\.$/);
  await expect(progress).toBeVisible();
  await expect(page.getByText("Nothing matches.")).toHaveCount(0);
  await deliver([event("open", { subject: `After ${run}` })]);
  await expect(row(page, `After ${run}`)).toHaveCount(1);
  await expect(page.getByText(/^Searched back to .*\. 1 found\.$/)).toBeVisible();
  await page.getByRole("button", { name: "Search further" }).click();
  await expect(row(page, `Before ${run}`)).toHaveCount(1);
  await expect(row(page, run)).toHaveCount(2);
  await expect(page.getByRole("button", { name: "Search further" })).toHaveCount(0);
});
