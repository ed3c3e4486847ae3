/**
 * Shared test support: fixtures that fail on any CSP violation or console error, and helpers that deliver events the way Mandrill
 * does.
 */

import { createHmac, randomUUID } from "node:crypto";
import { type BrowserContext, expect, type Page, test as base } from "@playwright/test";

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see e2e/README.md`);
  return value;
}

export const admin = { email: required("ADMIN_EMAIL"), password: required("ADMIN_PASSWORD") };
export const webhook = { url: required("WEBHOOK_URL"), key: required("WEBHOOK_KEY") };

/** Posts the value of `mandrill_events` as a signed form. `signedFor` is the URL used in the signature. */
export function post(value: string | Uint8Array, signedFor = webhook.url): Promise<Response> {
  const bytes = Buffer.from(value);
  const signature = createHmac("sha1", webhook.key)
    .update(`${signedFor}mandrill_events`)
    .update(bytes)
    .digest("base64");
  const escaped = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  return fetch(`${required("BASE_URL")}/webhook/`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "x-mandrill-signature": signature },
    body: `mandrill_events=${escaped}`,
  });
}

/** Posts a batch as Mandrill does and expects it to be accepted. */
export async function deliver(events: readonly unknown[]): Promise<unknown> {
  const response = await post(JSON.stringify(events));
  expect(response.status).toBe(200);
  return response.json();
}

/** Creates a message event with its own message id. */
export function event(kind: string, msg: Record<string, unknown> = {}): Record<string, unknown> {
  const id = randomUUID().replaceAll("-", "");
  const ts = Math.floor(Date.now() / 1000) - 5;
  const defaults = {
    _id: id,
    email: "ada@example.com",
    sender: "hello@shop.example.com",
    subject: "Your invoice",
    tags: ["billing"],
  };
  return { event: kind, ts, _id: id, msg: { ...defaults, ...msg } };
}

/** Records CSP violations, errors and requests to other origins for every page in the context. */
async function recordFaults(context: BrowserContext, faults: string[]): Promise<void> {
  await context.exposeFunction("reportViolation", (what: string) => faults.push(`policy: ${what}`));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (violation) => {
      const report = (globalThis as unknown as { reportViolation(what: string): void }).reportViolation;
      report(`${violation.violatedDirective} ${violation.blockedURI}`);
    });
  });
  context.on("page", (page) => {
    page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
    page.on("console", (message) => {
      // The browser logs failed requests here. Tests that cause a failed request check it themselves.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        faults.push(`console: ${message.text()}`);
      }
    });
    page.on("request", (request) => {
      const host = new URL(required("BASE_URL")).host;
      if (!request.url().startsWith("data:") && new URL(request.url()).host !== host)
        faults.push(`elsewhere: ${request.url()}`);
    });
  });
}

export const test = base.extend<{ anotherPage: () => Promise<Page> }>({
  context: async ({ context }, use) => {
    const faults: string[] = [];
    await recordFaults(context, faults);
    await use(context);
    // Requests still in flight at the end of a test are not failures.
    for (const page of context.pages()) await page.unrouteAll({ behavior: "ignoreErrors" });
    expect(faults).toEqual([]);
  },
  /** Opens a page in a separate browser context with its own session. */
  anotherPage: async ({ browser }, use) => {
    const faults: string[] = [];
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext();
      contexts.push(context);
      await recordFaults(context, faults);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
    expect(faults).toEqual([]);
  },
});

export { expect };

/** Signs in through the form and waits until the page is live. */
export async function signIn(page: Page, path = "/"): Promise<void> {
  await page.goto(path);
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
}

/** Marks every notification of the signed-in user as read, and opens a page anew. */
export async function openWithNothingUnread(page: Page, path: string): Promise<void> {
  const marked = await page.request.post("/api/notifications/read", {
    data: { up_to: Number.MAX_SAFE_INTEGER },
    headers: { "x-requested-with": "fetch" },
  });
  expect(marked.status()).toBe(200);
  await page.goto(path);
}

/** The rows of events with this subject. */
export function row(page: Page, subject: string) {
  return page.getByRole("row").filter({ hasText: subject });
}

/** Returns all subjects in list order. Scrolls through the list, because only rows near the viewport are rendered. */
export async function allSubjects(page: Page): Promise<string[]> {
  const subjects = await page.evaluate(async () => {
    const grid = document.querySelector("[role=grid]");
    const subjects: string[] = [];
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    scrollTo({ top: 0, behavior: "instant" });
    for (;;) {
      await frame();
      for (const row of grid?.querySelectorAll("tbody [role=row]") ?? [])
        subjects[Number(row.getAttribute("aria-rowindex")) - 2] =
          row.querySelector(".cell-subject")?.textContent?.trim() ?? "";
      const before = scrollY;
      scrollBy({ top: innerHeight, behavior: "instant" });
      if (scrollY === before && grid?.getAttribute("aria-rowcount") !== "-1") return subjects;
    }
  });
  expect(Object.keys(subjects).length, "rows that were never rendered").toBe(subjects.length);
  return subjects;
}
