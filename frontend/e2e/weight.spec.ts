import type { Page } from "@playwright/test";
import { deliver, event, expect, signIn, test } from "./support";

/** What the page has fetched, but for itself. */
function fetched(page: Page): Promise<{ path: string; size: number }[]> {
  return page.evaluate(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[]).map(({ name, encodedBodySize }) => ({
      path: new URL(name).pathname,
      size: encodedBodySize / 1024,
    })),
  );
}

/** By how much what was painted has jumped since, as browsers count it, but all of it and not the worst seconds alone. */
function shifted(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const observer = new PerformanceObserver((list) => {
          const shifts = list.getEntries() as (PerformanceEntry & { value: number })[];
          resolve(shifts.reduce((sum, { value }) => sum + value, 0));
        });
        observer.observe({ type: "layout-shift", buffered: true });
        // Where nothing has shifted, nothing is told.
        setTimeout(() => resolve(0), 500);
      }),
  );
}

test("the first view is light, and asks for little", async ({ page }) => {
  await signIn(page);
  await page.reload();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await page.waitForLoadState("networkidle");
  const sent = await fetched(page);
  const weigh = (pattern: RegExp): number =>
    sent.filter(({ path }) => pattern.test(path)).reduce((sum, { size }) => sum + size, 0);
  expect(weigh(/\.js$/)).toBeGreaterThan(20);
  expect(weigh(/\.js$/)).toBeLessThan(100);
  expect(weigh(/\.css$/)).toBeLessThan(15);
  // With the page itself. Lists are asked for once more when the socket stands: what came before is only then known to be all.
  const asked = sent.map(({ path }) => path);
  const again = ["/api/events", "/api/notifications"].filter((path) => asked.indexOf(path) < asked.lastIndexOf(path));
  expect(1 + asked.length - again.length).toBeLessThanOrEqual(12);
});

test("nothing jumps while a page is loaded", async ({ page }) => {
  await page.goto("/sign-in");
  await expect(page.getByLabel("E-mail")).toBeFocused();
  await page.waitForLoadState("networkidle");
  expect(await shifted(page)).toBeLessThanOrEqual(0.02);
  await deliver(Array.from({ length: 200 }, () => event("open")));
  await signIn(page);
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 });
    await page.reload();
    await expect(page.locator("tbody [role=row]").first()).toBeVisible();
    await page.waitForLoadState("networkidle");
    expect(await shifted(page)).toBeLessThanOrEqual(0.02);
  }
});
