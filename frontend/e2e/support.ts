/** What browser tests share: pages that fail on any policy violation or console error, and a Mandrill to deliver events. */

import { createHmac, randomUUID } from "node:crypto";
import { type BrowserContext, expect, type Page, test as base } from "@playwright/test";

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see e2e/README.md`);
  return value;
}

export const admin = { email: required("ADMIN_EMAIL"), password: required("ADMIN_PASSWORD") };
export const webhook = { url: required("WEBHOOK_URL"), key: required("WEBHOOK_KEY") };

/** Posts the value of `mandrill_events` as a signed form; `signedFor` is the address that the sender believes to post to. */
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

/** Posts a batch as Mandrill does, and expects that it is taken. */
export async function deliver(events: readonly unknown[]): Promise<unknown> {
  const response = await post(JSON.stringify(events));
  expect(response.status).toBe(200);
  return response.json();
}

/** A message event of this kind, about a message of its own. */
export function event(kind: string, msg: Record<string, unknown> = {}): Record<string, unknown> {
  const id = randomUUID().replaceAll("-", "");
  const ts = Math.floor(Date.now() / 1000) - 5;
  const letter = {
    _id: id,
    email: "ada@example.com",
    sender: "hello@shop.example.com",
    subject: "Your invoice",
    tags: ["billing"],
  };
  return { event: kind, ts, _id: id, msg: { ...letter, ...msg } };
}

/** Everything a page has done wrong so far. */
async function watch(context: BrowserContext, faults: string[]): Promise<void> {
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
      // The browser itself reports refused requests there; tests that provoke one say so.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        faults.push(`console: ${message.text()}`);
      }
    });
    page.on("request", (request) => {
      const own = new URL(required("BASE_URL")).host;
      if (!request.url().startsWith("data:") && new URL(request.url()).host !== own)
        faults.push(`elsewhere: ${request.url()}`);
    });
  });
}

export const test = base.extend<{ another: () => Promise<Page> }>({
  context: async ({ context }, use) => {
    const faults: string[] = [];
    await watch(context, faults);
    await use(context);
    // What a page still asks when its test ends is nobody's fault.
    for (const page of context.pages()) await page.unrouteAll({ behavior: "ignoreErrors" });
    expect(faults).toEqual([]);
  },
  /** Another browser, with a session of its own. */
  another: async ({ browser }, use) => {
    const faults: string[] = [];
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext();
      contexts.push(context);
      await watch(context, faults);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
    expect(faults).toEqual([]);
  },
});

export { expect };

/** Signs in by the form, and waits until the page is live. */
export async function signIn(page: Page, path = "/"): Promise<void> {
  await page.goto(path);
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
}

/** The row of an event whose subject is this. */
export function row(page: Page, subject: string) {
  return page.getByRole("row").filter({ hasText: subject });
}

/** The subjects of the whole list, in its order, read while scrolling through it; rows that are far away are not there. */
export async function allSubjects(page: Page): Promise<string[]> {
  const subjects = await page.evaluate(async () => {
    const grid = document.querySelector("[role=grid]");
    const found: string[] = [];
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    scrollTo({ top: 0, behavior: "instant" });
    for (;;) {
      await frame();
      for (const row of grid?.querySelectorAll("tbody [role=row]") ?? [])
        found[Number(row.getAttribute("aria-rowindex")) - 2] =
          row.querySelector(".cell-subject")?.textContent?.trim() ?? "";
      const before = scrollY;
      scrollBy({ top: innerHeight, behavior: "instant" });
      if (scrollY === before && grid?.getAttribute("aria-rowcount") !== "-1") return found;
    }
  });
  expect(Object.keys(subjects).length, "rows that nobody saw").toBe(subjects.length);
  return subjects;
}
