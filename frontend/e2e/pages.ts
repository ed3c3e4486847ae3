/** Every page, for tests that look at each: its address, and what is there once it is fetched; and the same with nothing in it. */

import { expect, type Page } from "@playwright/test";

export type There = "list" | "grid" | "table" | "textbox" | "button" | "link";

export function pagesAbout(message: string): readonly (readonly [path: string, there: There])[] {
  return [
    ["/", "grid"],
    ["/notifications", "list"],
    ["/notifications/rules", "list"],
    [`/messages/${encodeURIComponent(message)}`, "list"],
    ["/recipients/ada%40example.com", "grid"],
    ["/stats", "table"],
    ["/quarantine", "table"],
    ["/quarantine?reason=no_kind", "table"],
    ["/refusals", "table"],
    ["/system", "list"],
    ["/users", "table"],
    ["/tokens", "button"],
    ["/audit", "button"],
    ["/account", "table"],
    ["/docs", "list"],
    ["/invitation", "button"],
    ["/simulate", "textbox"],
    ["/nowhere", "link"],
  ];
}

/** What a page says of `failing`. */
export const FAILURE = "Something failed on purpose.";

/** Lets the server refuse everything that is read, but who is signed in. */
export async function failing(page: Page): Promise<void> {
  const problem = { type: "about:blank", title: "Service Unavailable", status: 503, code: "away", detail: FAILURE };
  await page.route(/\/api\/(?!session$)/, (route) =>
    route.request().method() === "GET" ? route.fulfill({ status: 503, json: problem }) : route.continue(),
  );
}

/** Opens a page and waits until nothing is being fetched any more. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await page.waitForLoadState("networkidle");
}

export function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

const NOTHING = { items: [], next: null, unread: 0, open: [] };
const NO_STATISTICS = { counts: {}, buckets: [], bounces: [], domains: [], tags: [], templates: [] };

/** Lets the server have nothing to show, but who is signed in and how it is. */
export async function empty(page: Page): Promise<void> {
  await page.route(
    /\/api\/(events|notifications|quarantine|refusals|tokens|views|audit)\?|\/api\/(tokens|views)$/,
    (route) => (route.request().method() === "GET" ? route.fulfill({ json: NOTHING }) : route.continue()),
  );
  await page.route(/\/api\/events\/histogram/, async (route) => {
    const answer = (await (await route.fetch()).json()) as Record<string, unknown>;
    await route.fulfill({ json: { ...answer, buckets: [] } });
  });
  await page.route(/\/api\/stats/, async (route) => {
    const answer = (await (await route.fetch()).json()) as { previous: Record<string, unknown> };
    await route.fulfill({ json: { ...answer, ...NO_STATISTICS, previous: { ...answer.previous, counts: {} } } });
  });
  await page.route(/\/api\/rules/, (route) => route.fulfill({ json: { standard: false, rules: [] } }));
  await page.route(/\/api\/recipients\//, (route) => route.fulfill({ json: { email: "ada@example.com", kinds: [] } }));
}
