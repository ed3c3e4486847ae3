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

interface Shift extends PerformanceEntry {
  value: number;
  sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[];
}

/** Expects that next to nothing of what was painted has jumped since, as browsers count it, but all of it and not the worst seconds alone. */
async function expectNoShift(page: Page): Promise<void> {
  const shifts = await page.evaluate(
    () =>
      new Promise<{ value: number; what: string[] }[]>((resolve) => {
        const told = (shift: Shift) => ({
          value: shift.value,
          what: shift.sources.map(({ node, previousRect: { top, left }, currentRect }) => {
            const name = `${node?.nodeName} ${(node as Element | null)?.className}`;
            return `${name} from ${top}, ${left} to ${currentRect.top}, ${currentRect.left}`;
          }),
        });
        new PerformanceObserver((list) => resolve((list.getEntries() as Shift[]).map(told))).observe({
          type: "layout-shift",
          buffered: true,
        });
        // Where nothing has shifted, nothing is told.
        setTimeout(() => resolve([]), 500);
      }),
  );
  const all = shifts.reduce((sum, { value }) => sum + value, 0);
  expect(all, JSON.stringify(shifts, null, 1)).toBeLessThanOrEqual(0.02);
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
  // With the page itself. The session says where the feed stands, so that nothing is asked for once more when the socket does.
  const asked = sent.map(({ path }) => path);
  expect(1 + asked.length, asked.join(" ")).toBeLessThanOrEqual(12);
  expect(asked.filter((path) => path === "/api/events")).toHaveLength(1);
  console.log(`first view: ${1 + asked.length} requests`);
});

test("nothing jumps while a page is loaded", async ({ page }) => {
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

test("what is answered last moves nothing of what is read by then", async ({ page }) => {
  // The chart's caption names every kind, and takes two lines of a phone.
  const kinds = ["send", "deferral", "hard_bounce", "soft_bounce", "open", "click", "spam", "unsub", "reject"];
  await deliver(kinds.map((kind) => event(kind)));
  await signIn(page);
  const row = page.locator("tbody [role=row]").first();
  for (const late of ["/api/events/histogram", "/api/notifications"]) {
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      let answer = (): void => {};
      const read = new Promise<void>((resolve) => (answer = resolve));
      await page.route(new RegExp(`${late}\\?`), async (route) => {
        await read;
        await route.continue();
      });
      const answered = page.waitForResponse((response) => new URL(response.url()).pathname === late);
      await page.reload();
      await expect(row).toBeVisible();
      const before = await row.boundingBox();
      answer();
      await (await answered).finished();
      await page.waitForLoadState("networkidle");
      expect(await row.boundingBox(), `${late} at ${width}`).toEqual(before);
      await page.unrouteAll();
    }
  }
});
