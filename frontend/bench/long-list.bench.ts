import type { Page } from "@playwright/test";
import { deliver, event, expect, signIn, test } from "../e2e/support";
import { figure, quantile, SECONDS } from "./figures";
import { startObserver, stopObserver } from "./watch";

/** Events per second. */
const RATE = 500;
/** Events per post. Each post waits for the previous one, so that the list has the same order. */
const BATCH = 20;
/** Share of the screen height scrolled in each frame. */
const STEP = 0.75;
/** Number of steps in which the whole list is scrolled again. */
const JUMPS = 120;

interface ScrollResult {
  /** Milliseconds between the frames in which the list moved. */
  readonly frames: readonly number[];
  /** Maximum number of rendered rows in any frame. */
  readonly rows: number;
}

/** Scrolls down by `by` pixels in every frame until the end of the list. */
function scroll(page: Page, by: number): Promise<ScrollResult> {
  return page.evaluate(
    (step) =>
      new Promise<ScrollResult>((resolve) => {
        const table = document.querySelector("[role=grid]");
        const frames: number[] = [];
        let rows = 0;
        let last: number | null = null;
        const frame = (now: number): void => {
          if (last !== null) frames.push(now - last);
          rows = Math.max(rows, table?.querySelectorAll("tbody > *").length ?? 0);
          const before = scrollY;
          scrollBy({ top: step, behavior: "instant" });
          // Do not measure the wait for the next page at the end of the loaded rows.
          last = scrollY > before ? now : null;
          if (last === null && table?.getAttribute("aria-rowcount") !== "-1") resolve({ frames, rows });
          else requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      }),
    by,
  );
}

interface Load {
  /** Time at which each post was accepted. Its message ids start with the name of the load and the number of the post. */
  readonly accepted: readonly number[];
  /** Events per second. */
  readonly rate: number;
}

/** Posts at a steady rate, and catches up after a late post. */
async function load(name: string): Promise<Load> {
  const accepted: number[] = [];
  const posts = (SECONDS * RATE) / BATCH;
  const start = performance.now();
  for (let n = 0; n < posts; n++) {
    const due = start + (n * 1000 * BATCH) / RATE;
    await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    await deliver(
      Array.from({ length: BATCH }, (_, index) => {
        const item = event(["send", "delivered", "click", "open", "hard_bounce"][index % 5] ?? "", {
          subject: `Letter ${n}`,
        });
        const id = `${name}-${n}-${index}-${item["_id"]}`;
        return { ...item, _id: id, msg: { ...(item["msg"] as object), _id: id } };
      }),
    );
    accepted.push(performance.timeOrigin + performance.now());
  }
  return { accepted, rate: (posts * BATCH * 1000) / (performance.now() - start) };
}

/** Milliseconds from the response to each post until a frame shows one of its events, or a later one, at the top. */
function delays({ accepted }: Load, name: string, tops: readonly (readonly [string, number])[]): number[] {
  const shown = tops.flatMap(([message, at]) => {
    const post = new RegExp(`^${name}-(\\d+)-`).exec(message)?.[1];
    return post === undefined ? [] : [{ post: Number(post), at }];
  });
  return accepted.map((acceptedAt, n) =>
    Math.max(0, (shown.find(({ post }) => post >= n)?.at ?? Infinity) - acceptedAt),
  );
}

test("a long list scrolls smoothly, keeps the hovered row in place, and stays up to date under load", async ({
  page,
}) => {
  await signIn(page);
  await expect(page.locator("tbody [role=row]").first()).toBeVisible();
  const height = await page.evaluate(() => innerHeight);
  const steps = await scroll(page, height * STEP);
  const count = Number(await page.getByRole("grid").getAttribute("aria-rowcount")) - 1;
  await page.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
  const jumps = await scroll(page, await page.evaluate((count) => document.body.scrollHeight / count, JUMPS));
  console.log(`  ${count} events, ${steps.frames.length} frames`);
  figure("browser_scroll_rows", Math.max(steps.rows, jumps.rows));
  figure("browser_scroll_frame", quantile(steps.frames, 0.95));
  figure("browser_jump_frame", quantile(jumps.frames, 0.95));

  await page.evaluate(() => scrollTo({ top: document.body.scrollHeight / 2, behavior: "instant" }));
  const row = page.locator("tbody [role=row]").nth(15);
  await row.hover();
  await startObserver(page, await row.getAttribute("data-id"));
  const below = await load("below");
  const hovering = await stopObserver(page);
  await expect(page.getByRole("button", { name: `${(RATE * SECONDS).toLocaleString()} new` })).toBeVisible();

  await page.mouse.move(5, 300);
  await page.getByRole("button", { name: /new$/ }).click();
  await expect(page.locator('tbody [aria-rowindex="2"]')).toBeVisible();
  await startObserver(page, null);
  const above = await load("above");
  await expect(page.locator(`tbody [data-message^="above-${(RATE * SECONDS) / BATCH - 1}-"]`).first()).toBeVisible();
  const following = await stopObserver(page);

  console.log(`  ${below.rate.toFixed(0)} and ${above.rate.toFixed(0)} events/s`);
  // The measurements are meaningless if the load was not sustained.
  expect(Math.min(below.rate, above.rate)).toBeGreaterThan(RATE * 0.9);
  figure("browser_live_task", Math.max(0, ...hovering.tasks, ...following.tasks));
  figure("browser_live_moved", hovering.moved ?? Infinity);
  figure("browser_live_painted", quantile(delays(above, "above", following.tops), 0.95));
});
