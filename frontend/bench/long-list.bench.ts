import type { Page } from "@playwright/test";
import { deliver, event, expect, signIn, test } from "../e2e/support";
import { figure, quantile, SECONDS } from "./figures";
import { seen, watch } from "./watch";

/** Events a second, and in each post. Each post waits for the one before, so that they are in the list in this order. */
const RATE = 500;
const BATCH = 20;
/** Of the screen, scrolled in a frame. */
const STEP = 0.75;
const JUMPS = 120;

interface Scrolled {
  /** Milliseconds between frames, of those in which something moved. */
  readonly frames: readonly number[];
  /** Most rows that were there in any of them. */
  readonly rows: number;
}

/** Scrolls on by so many pixels in every frame, to the last event that there is. */
function scroll(page: Page, by: number): Promise<Scrolled> {
  return page.evaluate(
    (step) =>
      new Promise<Scrolled>((resolve) => {
        const table = document.querySelector("[role=grid]");
        const frames: number[] = [];
        let rows = 0;
        let last: number | null = null;
        const frame = (now: number): void => {
          if (last !== null) frames.push(now - last);
          rows = Math.max(rows, table?.querySelectorAll("tbody > *").length ?? 0);
          const before = scrollY;
          scrollBy({ top: step, behavior: "instant" });
          // At the end of what is loaded, waiting for more is not what is measured.
          last = scrollY > before ? now : null;
          if (last === null && table?.getAttribute("aria-rowcount") !== "-1") resolve({ frames, rows });
          else requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      }),
    by,
  );
}

interface Posted {
  /** When each post was accepted; its events' messages begin with the load's name and the post's number. */
  readonly accepted: readonly number[];
  /** Events a second. */
  readonly rate: number;
}

/** Posts at a steady rate; one that is late is made up for. */
async function load(name: string): Promise<Posted> {
  const accepted: number[] = [];
  const posts = (SECONDS * RATE) / BATCH;
  const began = performance.now();
  for (let n = 0; n < posts; n++) {
    const due = began + (n * 1000 * BATCH) / RATE;
    await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    await deliver(
      Array.from({ length: BATCH }, (_, of) => {
        const one = event(["send", "delivered", "click", "open", "hard_bounce"][of % 5] ?? "", {
          subject: `Letter ${n}`,
        });
        const id = `${name}-${n}-${of}-${one["_id"]}`;
        return { ...one, _id: id, msg: { ...(one["msg"] as object), _id: id } };
      }),
    );
    accepted.push(performance.timeOrigin + performance.now());
  }
  return { accepted, rate: (posts * BATCH * 1000) / (performance.now() - began) };
}

/** From the answer to each post to the frame that shows it, or what came after it, at the top. */
function delays({ accepted }: Posted, name: string, tops: readonly (readonly [string, number])[]): number[] {
  const shown = tops.flatMap(([message, at]) => {
    const post = new RegExp(`^${name}-(\\d+)-`).exec(message)?.[1];
    return post === undefined ? [] : [{ post: Number(post), at }];
  });
  return accepted.map((answered, n) => Math.max(0, (shown.find(({ post }) => post >= n)?.at ?? Infinity) - answered));
}

test("a long list scrolls, holds still and is up to date, whatever comes", async ({ page }) => {
  await signIn(page);
  await expect(page.locator("tbody [role=row]").first()).toBeVisible();
  const height = await page.evaluate(() => innerHeight);
  const first = await scroll(page, height * STEP);
  const count = Number(await page.getByRole("grid").getAttribute("aria-rowcount")) - 1;
  await page.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
  const again = await scroll(page, await page.evaluate((jumps) => document.body.scrollHeight / jumps, JUMPS));
  console.log(`  ${count} events, ${first.frames.length} frames`);
  figure("browser_scroll_rows", Math.max(first.rows, again.rows));
  figure("browser_scroll_frame", quantile(first.frames, 0.95));
  figure("browser_jump_frame", quantile(again.frames, 0.95));

  await page.evaluate(() => scrollTo({ top: document.body.scrollHeight / 2, behavior: "instant" }));
  const row = page.locator("tbody [role=row]").nth(15);
  await row.hover();
  await watch(page, await row.getAttribute("data-id"));
  const below = await load("below");
  const reading = await seen(page);
  await expect(page.getByRole("button", { name: `${(RATE * SECONDS).toLocaleString()} new` })).toBeVisible();

  await page.mouse.move(5, 300);
  await page.getByRole("button", { name: /new$/ }).click();
  await expect(page.locator('tbody [aria-rowindex="2"]')).toBeVisible();
  await watch(page, null);
  const above = await load("above");
  await expect(page.locator(`tbody [data-message^="above-${(RATE * SECONDS) / BATCH - 1}-"]`).first()).toBeVisible();
  const following = await seen(page);

  console.log(`  ${below.rate.toFixed(0)} and ${above.rate.toFixed(0)} events/s`);
  // A smaller load would prove nothing.
  expect(Math.min(below.rate, above.rate)).toBeGreaterThan(RATE * 0.9);
  figure("browser_live_task", Math.max(0, ...reading.tasks, ...following.tasks));
  figure("browser_live_moved", reading.moved ?? Infinity);
  figure("browser_live_painted", quantile(delays(above, "above", following.tops), 0.95));
});
