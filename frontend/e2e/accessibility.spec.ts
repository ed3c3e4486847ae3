import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { allPages, FAILURE, horizontalOverflow, openPage, stubEmpty, stubFailures } from "./pages";
import { deliver, event, expect, post, signIn, test } from "./support";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Results {
  violations: { id: string; nodes: { html: string }[] }[];
}

/** Runs axe and returns the WCAG 2.2 AA violations. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const results = await page.evaluate(() => {
    const { axe } = globalThis as unknown as { axe: { run(options: unknown): Promise<Results> } };
    return axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
  });
  return results.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1280, 390]) {
    test(`every page is accessible, ${colorScheme} at ${width} px`, async ({ page }) => {
      test.slow();
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await page.goto("/sign-in");
      await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.goto("/invitation");
      await expect(page.getByRole("alert")).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await deliver([{ order: `${colorScheme} ${width}` }]);
      expect((await post("[]", "elsewhere")).status).toBe(401);
      const events = ["send", "open", "click", "deferral", "hard_bounce", "spam", "brand_new"].map((kind) =>
        event(kind),
      );
      await deliver(events);
      await signIn(page);
      await expect(page.getByRole("row").filter({ hasText: "Brand new" }).first()).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: /Notifications/ }).click();
      await expect(page.getByRole("complementary", { name: "Notifications" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      for (const [path, role] of allPages(`${events[4]?.["_id"]}`)) {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expect(page.getByRole("main").getByRole(role).first()).toBeVisible();
        expect(await violations(page)).toEqual([]);
        expect(await horizontalOverflow(page)).toBeLessThanOrEqual(0);
      }
      await page.goto("/quarantine?reason=no_kind");
      await page
        .getByRole("table")
        .getByRole("link", { name: /^Item / })
        .first()
        .click();
      await expect(page.getByRole("heading", { name: "Bytes as received" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "Retry…" }).click();
      await expect(page.getByRole("list", { name: "What would happen" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.goto("/docs");
      await page.getByRole("main").locator("summary").first().click();
      await expect(page.getByRole("heading", { name: "Answers" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      expect(await horizontalOverflow(page)).toBeLessThanOrEqual(0);
      await page.goto("/users");
      await page.getByRole("main").getByRole("link").first().click();
      await expect(page.getByRole("complementary", { name: "User" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "Close" }).click();
      await page.getByRole("button", { name: "Invite…" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.goto("/notifications");
      await page.getByRole("button", { name: "Test" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.locator("main time").first().focus();
      await expect(page.getByRole("tooltip")).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: /Your account/ }).click();
      await expect(page.getByRole("group", { name: "Theme" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "Show the keyboard shortcuts" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.goto("/?kind=open");
      const bar = page.getByRole("combobox", { name: "Search events" });
      for (const text of ["", "bou", "kind:", "nothing-like-this"]) {
        await bar.fill(text);
        await bar.click();
        await expect(page.getByLabel("How to write conditions")).toBeVisible();
        expect(await violations(page), text).toEqual([]);
      }
      await bar.fill("from:24h -tag:vip");
      await page.keyboard.press("Enter");
      await expect(page.getByRole("button", { name: "since:24h?" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      expect(await horizontalOverflow(page)).toBeLessThanOrEqual(0);
      if (width === 390) {
        await page.getByRole("button", { name: "Filters" }).click();
        await expect(page.getByRole("dialog", { name: "Filters" })).toBeVisible();
        expect(await violations(page)).toEqual([]);
        await page.keyboard.press("Escape");
      }
      await page.getByRole("button", { name: "kind Opened", exact: true }).click();
      await expect(page.getByRole("combobox", { name: "Edit the condition" })).toBeFocused();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await expect(page.getByRole("combobox", { name: "Find anything" })).toBeFocused();
      await page.keyboard.type("ada");
      await expect(page.getByRole("group", { name: "Recipients" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.locator("tbody [role=row]").first().focus();
      await page.keyboard.press("x");
      await expect(page.getByRole("region", { name: "Selected events" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      expect(await horizontalOverflow(page)).toBeLessThanOrEqual(0);
      await page.keyboard.press("Shift+F10");
      const menu = page.getByRole("dialog", { name: "What to do with this value" });
      await expect(menu.getByRole("button").first()).toBeFocused();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("Enter");
      await expect(menu.getByRole("link").first()).toBeFocused();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.getByRole("region", { name: "Selected events" }).getByRole("button", { name: "Clear" }).click();
      if (width === 390) await page.getByRole("button", { name: "Filters" }).click();
      await page.getByRole("button", { name: "Save this view…" }).click();
      await expect(page.locator("dialog[open]")).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.goto("/simulate");
      await page.getByLabel("Batch").fill("{");
      await expect(page.getByRole("button", { name: "Show me" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
    });

    test(`every page is accessible and shows an error when requests fail, ${colorScheme} at ${width} px`, async ({
      page,
    }) => {
      test.slow();
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await signIn(page);
      await stubFailures(page);
      for (const [path] of allPages("missing")) {
        // These pages fetch nothing.
        if (["/invitation", "/simulate", "/nowhere"].includes(path)) continue;
        await page.goto(path);
        await expect(page.getByText(FAILURE).first(), path).toBeVisible();
        expect(await violations(page), path).toEqual([]);
        expect(await horizontalOverflow(page), path).toBeLessThanOrEqual(0);
      }
    });

    test(`every page is accessible when empty, ${colorScheme} at ${width} px`, async ({ page }) => {
      test.slow();
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await stubEmpty(page);
      await signIn(page);
      for (const [path] of [...allPages("missing"), ["/?kind=open"] as const]) {
        if (path.startsWith("/messages/")) continue;
        await openPage(page, path);
        expect(await violations(page), path).toEqual([]);
        expect(await horizontalOverflow(page), path).toBeLessThanOrEqual(0);
      }
    });
  }
}

test("no page scrolls horizontally at 320 px, even with long content", async ({ page }) => {
  test.slow();
  const long = `${"An endless subject ".repeat(20)}${"x".repeat(300)} مرحبا بالعالم`;
  const mail = {
    subject: long,
    tags: ["t".repeat(80), long],
    template: "y".repeat(200),
    metadata: { [`k${"k".repeat(90)}`]: long },
  };
  const bounce = event("hard_bounce", { ...mail, diag: `550 5.1.1 ${"z".repeat(400)}` });
  await deliver([
    bounce,
    event("open", { ...mail, email: `${"a".repeat(120)}@example.com` }),
    [long],
    event("open", mail),
    event("send"),
  ]);
  expect((await post("[]", "elsewhere")).status).toBe(401);
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto("/sign-in");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  expect(await horizontalOverflow(page)).toBeLessThanOrEqual(0);
  await signIn(page);
  // A window of 1280 × 800 has this many pixels at a zoom of 400 and of 200 %.
  for (const [width, height] of [
    [320, 640],
    [640, 400],
  ] as const) {
    await page.setViewportSize({ width, height });
    for (const [path, role] of allPages(`${bounce["_id"]}`)) {
      await openPage(page, path);
      await expect(page.getByRole("main").getByRole(role).first()).toBeVisible();
      expect(await horizontalOverflow(page), `${path} at ${width} px`).toBeLessThanOrEqual(0);
    }
  }
  await openPage(page, "/");
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await expect(page.getByRole("complementary", { name: "Notifications" })).toBeVisible();
  expect(await horizontalOverflow(page)).toBeLessThanOrEqual(0);
  await page.getByRole("button", { name: /Your account/ }).click();
  expect(await horizontalOverflow(page)).toBeLessThanOrEqual(0);
});
