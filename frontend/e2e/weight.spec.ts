import { expect, signIn, test } from "./support";

test("the first view is light, and asks for little", async ({ page }) => {
  await signIn(page);
  await page.reload();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await page.waitForLoadState("networkidle");
  const sent = await page.evaluate(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[]).map(({ name, encodedBodySize }) => ({
      path: new URL(name).pathname,
      size: encodedBodySize / 1024,
    })),
  );
  const weigh = (pattern: RegExp): number =>
    sent.filter(({ path }) => pattern.test(path)).reduce((sum, { size }) => sum + size, 0);
  expect(weigh(/\.js$/)).toBeGreaterThan(20);
  expect(weigh(/\.js$/)).toBeLessThan(100);
  expect(weigh(/\.css$/)).toBeLessThan(15);
  expect(sent.filter(({ path }) => !path.startsWith("/api/")).length).toBeLessThanOrEqual(16);
});
