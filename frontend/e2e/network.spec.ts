import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { admin, deliver, event, expect, row, signIn, test } from "./support";

test("without a connection, the open page stays, and the other one opens once there is one", async ({
  page,
  context,
}) => {
  const run = randomUUID();
  await deliver([event("send", { subject: `Kept ${run}` })]);
  await signIn(page, `/?q=${run}`);
  await expect(row(page, `Kept ${run}`)).toBeVisible();
  await context.setOffline(true);
  await page.getByRole("link", { name: "Statistics" }).click();
  const notice = page.getByRole("alert").filter({ hasText: "The page could not be opened" });
  await expect(notice).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: "Events" })).toBeVisible();
  await expect(row(page, `Kept ${run}`)).toBeVisible();
  await context.setOffline(false);
  await notice.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Statistics" })).toBeVisible();
  await expect(notice).toBeHidden();
});

test("a click on a page is answered while its files are on their way", async ({ page }) => {
  await signIn(page);
  await expect(page.locator("[role=row]").first()).toBeVisible();
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/assets/StatsPage-*.js", async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("link", { name: "Statistics" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Statistics" })).toBeVisible();
  await expect(page.getByRole("status").filter({ hasText: "Loading…" })).toBeVisible();
  await expect(page).toHaveURL("/");
  release();
  await expect(page).toHaveURL("/stats");
  await expect(page.getByRole("heading", { level: 1, name: "Statistics" })).toBeVisible();
  await expect(page.getByRole("status").filter({ hasText: "Loading…" })).toBeHidden();
});

test("what is typed while the palette is on its way is kept", async ({ page }) => {
  await signIn(page);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/assets/CommandPalette-*.js", async (route) => {
    await held;
    await route.continue();
  });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("statist");
  release();
  await expect(page.getByRole("option", { name: "Statistics" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Statistics" })).toBeVisible();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Find anything" })).toHaveValue("");
});

test("two tabs agree on who is signed in, on views and on preferences", async ({ page, context }) => {
  const name = `Agreed ${randomUUID().slice(0, 8)}`;
  await signIn(page, "/?kind=open");
  const other = await context.newPage();
  await other.goto("/?kind=open");
  await expect(other.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Save this view…" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill(name);
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(other.getByRole("list", { name: "Saved" }).getByRole("link", { name })).toBeVisible();
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByText("Dark", { exact: true }).click();
  await expect(other.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByRole("button", { name: "Sign out" }).click();
  for (const tab of [page, other]) await expect(tab.getByRole("button", { name: "Sign in" })).toBeVisible();
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(other.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await expect(other).toHaveURL("/?kind=open");
});

test("a new build is offered after a disconnect, and not forced", async ({ page }) => {
  let disconnect = (): Promise<void> => Promise.resolve();
  await page.routeWebSocket("**/ws", (socket) => {
    socket.connectToServer();
    disconnect = () => socket.close({ code: 1012 });
  });
  await signIn(page);
  await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
  const notice = page.getByRole("alert").filter({ hasText: "There is a new version of the dashboard." });
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname === "/");
  await disconnect();
  await answered;
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  await expect(notice).toBeHidden();

  const built = await (await page.request.get("/")).text();
  await page.route(
    (url) => url.pathname === "/",
    (route) =>
      route.request().isNavigationRequest()
        ? route.continue()
        : route.fulfill({ contentType: "text/html", body: built.replaceAll(/first-[\w-]+\.js/g, "first-newer.js") }),
  );
  await disconnect();
  await expect(notice).toBeVisible();
  await notice.getByRole("button", { name: "Later" }).click();
  await expect(notice).toBeHidden();
  expect(await page.evaluate(() => (globalThis as { sameDocument?: boolean }).sameDocument)).toBe(true);

  await disconnect();
  // The page that is about to be left can be live again, too.
  const reloaded = page.waitForEvent("load");
  await notice.getByRole("button", { name: "Reload" }).click();
  await reloaded;
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  expect(await page.evaluate(() => (globalThis as { sameDocument?: boolean }).sameDocument)).toBeUndefined();
});

test.describe("with the service worker", () => {
  test.use({ serviceWorkers: "allow" });

  /** Opens the dashboard until the worker serves it. */
  async function openWithWorker(page: Page): Promise<void> {
    await signIn(page);
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
      if (navigator.serviceWorker.controller) return;
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
    });
  }

  test("a reload without a connection shows the dashboard's own page, which recovers by itself", async ({
    page,
    context,
  }) => {
    await openWithWorker(page);
    await context.setOffline(true);
    await page.goto("/recipients/ada@example.com");
    await expect(page.getByRole("heading", { name: "Mandrill Listener is unavailable" })).toBeVisible();
    await context.setOffline(false);
    await expect(page.getByRole("heading", { level: 1, name: "Recipient" })).toBeVisible();
  });

  test("the worker keeps the document and its hashed files, and nothing else", async ({ page }) => {
    await openWithWorker(page);
    await page.goto("/stats");
    await expect(page.getByRole("heading", { level: 1, name: "Statistics" })).toBeVisible();
    const kept = await page.evaluate(async () => {
      const names = await caches.keys();
      const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return requests.flat().map(({ url }) => new URL(url).pathname);
    });
    expect(kept).toContain("/");
    expect(kept.filter((path) => path !== "/" && !/^\/assets\/[\w.-]+$/.test(path))).toEqual([]);
    const download = await page.request.get("/api/events?limit=1");
    expect(download.status()).toBe(200);
  });

  test("a new build is offered on the visit after it, and the reload shows it", async ({ page, context }) => {
    await openWithWorker(page);
    const built = await (await page.request.get("/")).text();
    const entry = /first-[\w-]+\.js/.exec(built)?.[0] ?? "";
    await context.route(
      (url) => url.pathname === "/",
      (route) => route.fulfill({ contentType: "text/html", body: built.replaceAll(entry, "first-newer.js") }),
    );
    // Other files import the entry by its name: a copy of it would start the dashboard twice.
    await context.route("**/assets/first-newer.js", (route) =>
      route.fulfill({ contentType: "text/javascript", body: `import "./${entry}";` }),
    );
    const source = () => page.locator("script[type=module]").getAttribute("src");
    await page.reload();
    const notice = page.getByRole("alert").filter({ hasText: "There is a new version of the dashboard." });
    await expect(notice).toBeVisible();
    expect(await source()).toBe(`/assets/${entry}`);
    await notice.getByRole("button", { name: "Reload" }).click();
    await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
    expect(await source()).toBe("/assets/first-newer.js");
    await expect(notice).toBeHidden();
  });
});
