/** What a page does while it is looked at: how long its tasks are, where a row is in every frame, and when what came is painted. */

import type { Page } from "@playwright/test";

export interface Seen {
  /** Of each task over 50 ms, in milliseconds. */
  readonly tasks: readonly number[];
  /** By how much the row that was pointed at has moved at most, in pixels; none for a row that has gone. */
  readonly moved: number | null;
  /** When which event stood at the top, in the order in which they did. */
  readonly tops: readonly (readonly [message: string, at: number])[];
}

type Watching = typeof globalThis & { seen?: () => Seen };

/** Begins to look, also at the row with this id if one is given. */
export async function watch(page: Page, row: string | null): Promise<void> {
  await page.evaluate((id) => {
    const tasks: number[] = [];
    const tops: [string, number][] = [];
    const observer = new PerformanceObserver((list) =>
      tasks.push(...list.getEntries().map(({ duration }) => duration)),
    );
    observer.observe({ type: "longtask" });
    const find = () => (id === null ? null : document.querySelector(`tbody [data-id="${id}"]`));
    const began = find()?.getBoundingClientRect().top ?? 0;
    let moved: number | null = 0;
    let looking = true;
    // What is posted here runs after the frame's layout and paint.
    const painted = new MessageChannel();
    painted.port1.addEventListener("message", () => {
      const message = document.querySelector<HTMLElement>('tbody [aria-rowindex="2"]')?.dataset["message"];
      if (message !== undefined && tops.at(-1)?.[0] !== message)
        tops.push([message, performance.timeOrigin + performance.now()]);
      const now = find()?.getBoundingClientRect().top;
      if (id !== null) moved = moved === null || now === undefined ? null : Math.max(moved, Math.abs(now - began));
    });
    painted.port1.start();
    const frame = (): void => {
      painted.port2.postMessage(null);
      if (looking) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    (globalThis as Watching).seen = () => {
      looking = false;
      tasks.push(...observer.takeRecords().map(({ duration }) => duration));
      observer.disconnect();
      return { tasks, moved, tops };
    };
  }, row);
}

/** Ends it, and tells. */
export function seen(page: Page): Promise<Seen> {
  return page.evaluate(() => {
    const end = (globalThis as Watching).seen;
    if (end === undefined) throw new Error("nobody looks");
    return end();
  });
}
