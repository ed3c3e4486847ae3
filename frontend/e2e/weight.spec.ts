import type { Page } from "@playwright/test";
import { deliver, event, expect, signIn, test } from "./support";

/** Resources that the page has fetched, excluding the document. */
function fetched(page: Page): Promise<{ path: string; size: number }[]> {
  return page.evaluate(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[]).map(({ name, encodedBodySize }) => ({
      path: new URL(name).pathname,
      size: encodedBodySize / 1024,
    })),
  );
}

interface Shift extends PerformanceEntry {
  value: number;
  sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[];
}

/** Expects a total layout shift close to zero. Unlike the CLS metric, this sums all shifts rather than taking the worst window. */
async function expectNoShift(page: Page): Promise<void> {
  const shifts = await page.evaluate(
    () =>
      new Promise<{ value: number; what: string[] }[]>((resolve) => {
        const describe = (shift: Shift) => ({
          value: shift.value,
          what: shift.sources.map(({ node, previousRect: { top, left }, currentRect }) => {
            const name = `${node?.nodeName} ${(node as Element | null)?.className}`;
            return `${name} from ${top}, ${left} to ${currentRect.top}, ${currentRect.left}`;
          }),
        });
        new PerformanceObserver((list) => resolve((list.getEntries() as Shift[]).map(describe))).observe({
          type: "layout-shift",
          buffered: true,
        });
        // Without shifts, the observer is never called.
        setTimeout(() => resolve([]), 500);
      }),
  );
  const all = shifts.reduce((sum, { value }) => sum + value, 0);
  expect(all, JSON.stringify(shifts, null, 1)).toBeLessThanOrEqual(0.02);
}

test("the first view stays within its size and request budget", async ({ page }) => {
  await signIn(page);
  await page.reload();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await page.waitForLoadState("networkidle");
  const resources = await fetched(page);
  const sizeOf = (pattern: RegExp): number =>
    resources.filter(({ path }) => pattern.test(path)).reduce((sum, { size }) => sum + size, 0);
  expect(sizeOf(/\.js$/)).toBeGreaterThan(20);
  // As nginx compresses them, which is a little less than in tools/budget.mjs.
  expect(sizeOf(/\.(?:js|css)$/)).toBeLessThan(130);
  // Plus one for the document. The scripts are loaded side by side, so their number costs no time. What waits for an admin takes two. The session includes the feed cursor, so that subscribing does not cause a second fetch.
  const paths = resources.map(({ path }) => path);
  expect(1 + paths.length, paths.join(" ")).toBeLessThanOrEqual(15);
  expect(paths.filter((path) => path === "/api/events")).toHaveLength(1);
  console.log(`first view: ${1 + paths.length} requests`);
});

test("loading a page causes no layout shift", async ({ page }) => {
  await page.goto("/sign-in");
  await expect(page.getByLabel("E-mail")).toBeFocused();
  await page.waitForLoadState("networkidle");
  await expectNoShift(page);
  await deliver(Array.from({ length: 200 }, () => event("open")));
  await signIn(page);
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 });
    await page.reload();
    await expect(page.locator("tbody [role=row]").first()).toBeVisible();
    await page.waitForLoadState("networkidle");
    await expectNoShift(page);
  }
});

test("late responses do not move the rows on screen", async ({ page }) => {
  // With events of every kind, the chart's caption wraps to two lines on a phone.
  const kinds = ["send", "deferral", "hard_bounce", "soft_bounce", "open", "click", "spam", "unsub", "reject"];
  await deliver(kinds.map((kind) => event(kind)));
  await signIn(page);
  const row = page.locator("tbody [role=row]").first();
  for (const late of ["/api/events/histogram", "/api/notifications"]) {
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      let respond = (): void => {};
      const released = new Promise<void>((resolve) => (respond = resolve));
      await page.route(new RegExp(`${late}\\?`), async (route) => {
        await released;
        await route.continue();
      });
      const response = page.waitForResponse((candidate) => new URL(candidate.url()).pathname === late);
      await page.reload();
      await expect(row).toBeVisible();
      const before = await row.boundingBox();
      respond();
      await (await response).finished();
      await page.waitForLoadState("networkidle");
      expect(await row.boundingBox(), `${late} at ${width}`).toEqual(before);
      await page.unrouteAll();
    }
  }
});
