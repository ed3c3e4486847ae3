import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { deliver, event, expect, post, signIn, test } from "./support";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Results {
  violations: { id: string; nodes: { html: string }[] }[];
}

/** What is wrong with the page by WCAG 2.2 AA, as far as a program can tell. */
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
      const message = encodeURIComponent(`${events[4]?.["_id"]}`);
      await signIn(page);
      await expect(page.getByRole("row").filter({ hasText: "Brand new" }).first()).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: /Notifications/ }).click();
      await expect(page.getByRole("complementary", { name: "Notifications" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      for (const [path, there] of [
        ["/notifications", "list"],
        [`/messages/${message}`, "list"],
        ["/recipients/ada%40example.com", "grid"],
        ["/stats", "table"],
        ["/quarantine", "table"],
        ["/quarantine?reason=no_kind", "table"],
        ["/refusals", "table"],
        ["/system", "list"],
        ["/users", "table"],
        ["/tokens", "button"],
        ["/account", "table"],
        ["/invitation", "button"],
        ["/simulate", "textbox"],
        ["/nowhere", "link"],
      ] as const) {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expect(page.getByRole("main").getByRole(there).first()).toBeVisible();
        expect(await violations(page)).toEqual([]);
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(sideways).toBeLessThanOrEqual(0);
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
    });
  }
}
