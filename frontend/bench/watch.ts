/** Observes a page: duration of long tasks, movement of a row, and when new events are painted. */

import type { Page } from "@playwright/test";

export interface Observation {
  /** Duration of each task over 50 ms, in milliseconds. */
  readonly tasks: readonly number[];
  /** Largest movement of the observed row in pixels; null if the row was removed. */
  readonly moved: number | null;
  /** Events that were the first row, in order, with the time at which each was painted. */
  readonly tops: readonly (readonly [message: string, at: number])[];
}

type ObservedWindow = typeof globalThis & { stopObserver?: () => Observation };

/** Starts observing the page, and the row with this id if one is given. */
export async function startObserver(page: Page, row: string | null): Promise<void> {
  await page.evaluate((id) => {
    const tasks: number[] = [];
    const tops: [string, number][] = [];
    const observer = new PerformanceObserver((list) =>
      tasks.push(...list.getEntries().map(({ duration }) => duration)),
    );
    observer.observe({ type: "longtask" });
    const find = () => (id === null ? null : document.querySelector(`tbody [data-id="${id}"]`));
    const initialTop = find()?.getBoundingClientRect().top ?? 0;
    let moved: number | null = 0;
    let running = true;
    // Messages posted in an animation frame are handled after its layout and paint.
    const painted = new MessageChannel();
    painted.port1.addEventListener("message", () => {
      const message = document.querySelector<HTMLElement>('tbody [aria-rowindex="2"]')?.dataset["message"];
      if (message !== undefined && tops.at(-1)?.[0] !== message)
        tops.push([message, performance.timeOrigin + performance.now()]);
      const top = find()?.getBoundingClientRect().top;
      if (id !== null) moved = moved === null || top === undefined ? null : Math.max(moved, Math.abs(top - initialTop));
    });
    painted.port1.start();
    const frame = (): void => {
      painted.port2.postMessage(null);
      if (running) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    (globalThis as ObservedWindow).stopObserver = () => {
      running = false;
      tasks.push(...observer.takeRecords().map(({ duration }) => duration));
      observer.disconnect();
      return { tasks, moved, tops };
    };
  }, row);
}

/** Stops observing and returns the results. */
export function stopObserver(page: Page): Promise<Observation> {
  return page.evaluate(() => {
    const stop = (globalThis as ObservedWindow).stopObserver;
    if (stop === undefined) throw new Error("startObserver was not called");
    return stop();
  });
}
