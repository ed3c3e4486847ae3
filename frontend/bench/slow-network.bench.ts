import type { Browser, Page } from "@playwright/test";
import { expect, signIn, test } from "../e2e/support";
import { figure } from "./figures";

/** A distant or crowded network: delay of each request in milliseconds, and bytes per second. */
const SLOW = { latency: 1_200, downloadThroughput: 50 * 1024, uploadThroughput: 50 * 1024, offline: false };

async function slowDown(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", SLOW);
}

/** Milliseconds from the start of the navigation to the first paint, and to the first row of the list. */
async function visit(page: Page): Promise<{ frame: number; rows: number }> {
  await page.goto("/", { waitUntil: "commit" });
  const row = page.locator("tbody .event-row").first();
  await expect(row).toBeVisible({ timeout: 60_000 });
  const rows = await page.evaluate(() => performance.now());
  // The frame and its skeleton have no text, so they are not contentful.
  const frame = await page.evaluate(() => performance.getEntriesByName("first-paint")[0]?.startTime ?? Infinity);
  return { frame, rows };
}

/** Milliseconds from a click to the first frame after something on the page has changed. */
async function answer(page: Page, name: string, click: () => Promise<void>): Promise<number> {
  const measured = page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        addEventListener(
          "click",
          ({ timeStamp }) => {
            const observer = new MutationObserver(() => {
              observer.disconnect();
              requestAnimationFrame((frame) => resolve(frame - timeStamp));
            });
            observer.observe(document.documentElement, { subtree: true, childList: true, attributes: true });
            // Popovers change neither elements nor attributes.
            document.addEventListener("toggle", () => requestAnimationFrame((frame) => resolve(frame - timeStamp)), {
              once: true,
              capture: true,
            });
          },
          { once: true, capture: true },
        );
      }),
  );
  await click();
  const time = await measured;
  console.log(`  ${name}: ${time.toFixed(0)} ms`);
  return time;
}

/** A browser that has signed in but has visited nothing else, so that its cache is empty. */
async function newcomer(browser: Browser, page: Page): Promise<Page> {
  await signIn(page);
  const storageState = await page.context().storageState();
  return (await browser.newContext({ storageState, serviceWorkers: "allow" })).newPage();
}

test("at 1.2 s latency and 50 KiB/s, the frame and the rows appear in time and each click answers at once", async ({
  browser,
  page: first,
}) => {
  const page = await newcomer(browser, first);
  await slowDown(page);
  const once = await visit(page);
  figure("browser_slow_frame", once.frame);
  figure("browser_slow_rows", once.rows);

  const clicks: number[] = [];
  const link = (name: string) => page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name });
  const steps: readonly (readonly [name: string, click: () => Promise<void>])[] = [
    ["kind", () => page.locator(".kind-toggle").first().click()],
    ["row", () => page.locator("tbody .event-row").nth(2).click()],
    ["close", () => page.getByRole("button", { name: "Close" }).click()],
    ["time", () => page.getByRole("main").getByRole("button", { name: "All time" }).click()],
    ["bell", () => page.getByRole("button", { name: /^Notifications/ }).click()],
    ["find", () => page.getByRole("button", { name: /Find anything/ }).click()],
  ];
  for (const [name, click] of steps) {
    clicks.push(await answer(page, name, click));
    if (name === "find") await page.keyboard.press("Escape");
    await expect(page.locator("tbody .event-row").first()).toBeVisible({ timeout: 60_000 });
  }
  for (const name of ["Statistics", "Quarantine", "System", "Users", "Simulate"]) {
    clicks.push(await answer(page, name, () => link(name).click()));
    await expect(page).toHaveURL(/\/[a-z]+$/, { timeout: 60_000 });
  }
  figure("browser_slow_click", Math.max(...clicks));

  await page.evaluate(() => navigator.serviceWorker.ready);
  const later = await visit(page);
  figure("browser_slow_frame_later", later.frame);
  figure("browser_slow_rows_later", later.rows);
  await page.context().close();
});
