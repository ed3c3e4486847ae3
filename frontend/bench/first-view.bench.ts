import type { Page } from "@playwright/test";
import { signIn, test } from "../e2e/support";
import { figure, quantile } from "./figures";

/** Number of loads of each page, with the browser cache disabled. */
const LOADS = 5;

function firstPaint(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list) => {
          const [painted] = list.getEntriesByName("first-contentful-paint");
          if (painted) resolve(painted.startTime);
        }).observe({ type: "paint", buffered: true });
      }),
  );
}

test("time to first contentful paint", async ({ page, context }) => {
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
  const times = async (path: string): Promise<number[]> => {
    const paints: number[] = [];
    for (let n = 0; n < LOADS; n++) {
      await page.goto(path);
      paints.push(await firstPaint(page));
    }
    return paints;
  };
  figure("browser_paint_sign_in", quantile(await times("/sign-in"), 0.5));
  await signIn(page);
  figure("browser_paint_events", quantile(await times("/"), 0.5));
});
