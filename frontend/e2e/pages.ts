/** Every page, for tests that visit all of them, with stubs for failing and empty responses. */

import { expect, type Page } from "@playwright/test";

/** An element that is present in the main region once the page is loaded. */
export type MainRole = "list" | "grid" | "table" | "textbox" | "button" | "link";

/** The path of every page; `message` is the id for the message page. */
export function allPages(message: string): readonly (readonly [path: string, role: MainRole])[] {
  return [
    ["/", "grid"],
    ["/notifications", "list"],
    ["/notifications/rules", "list"],
    [`/messages/${encodeURIComponent(message)}`, "list"],
    ["/recipients/ada%40example.com", "grid"],
    ["/stats", "table"],
    ["/tags/billing", "grid"],
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

/** The error message that `stubFailures` returns. */
export const FAILURE = "Something failed on purpose.";

/** Makes every GET request to the API fail, except the session. */
export async function stubFailures(page: Page): Promise<void> {
  const problem = { type: "about:blank", title: "Service Unavailable", status: 503, code: "away", detail: FAILURE };
  await page.route(/\/api\/(?!session$)/, (route) =>
    route.request().method() === "GET" ? route.fulfill({ status: 503, json: problem }) : route.continue(),
  );
}

/** Opens a page and waits until the network is idle. */
export async function openPage(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await page.waitForLoadState("networkidle");
}

/** The number of pixels by which the page is wider than the viewport. */
export function horizontalOverflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

const NOTHING = { items: [], next: null, unread: 0, open: [] };
const NO_STATISTICS = {
  counts: {},
  buckets: [],
  reasons: [],
  actors: [],
  bounces: [],
  domains: [],
  tags: [],
  templates: [],
  subaccounts: [],
};

const NO_RECIPIENT = {
  email: "ada@example.com",
  standing: { state: "unknown", since: null, event_id: null, kind: null, reason_class: null },
  engagement: { open: null, click: null },
  messages: [],
  suppressions: [],
  erased_at: null,
  kinds: [],
};

/** Makes the API return empty lists, statistics, rules and recipients. */
export async function stubEmpty(page: Page): Promise<void> {
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
  await page.route(/\/api\/stats\/audience/, async (route) => {
    const answer = (await (await route.fetch()).json()) as Record<string, unknown>;
    await route.fulfill({
      json: { ...answer, opens: 0, clients: [], devices: [], countries: [], links: [], hours: [] },
    });
  });
  await page.route(/\/api\/rules/, (route) => route.fulfill({ json: { standard: false, rules: [] } }));
  await page.route(/\/api\/recipients\//, (route) => route.fulfill({ json: NO_RECIPIENT }));
}
