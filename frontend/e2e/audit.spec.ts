import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { admin, expect, signIn, test } from "./support";

const rows = (page: Page) => page.getByRole("table", { name: "Audit" }).locator("tbody").getByRole("row");

test("admin actions appear in the audit, newest first, with links to the user", async ({ page }) => {
  const email = `ed-${randomUUID()}@example.com`;
  await signIn(page, "/users");
  await page.getByRole("button", { name: "Invite…" }).click();
  await page.getByRole("dialog").getByLabel("E-mail").fill(email);
  await page.getByRole("dialog").getByRole("button", { name: "Create link" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Done" }).click();
  await page.getByRole("link", { name: email }).click();
  await page.getByRole("button", { name: "Make admin…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Make admin" }).click();
  await expect(page.getByRole("row").filter({ hasText: email })).toContainText("Admin");
  await page.getByRole("link", { name: "Audit" }).click();
  await expect(page).toHaveURL("/audit");
  await expect(rows(page).nth(0)).toContainText(admin.email);
  await expect(rows(page).nth(0)).toContainText(`Made ${email} admin`);
  await expect(rows(page).nth(1)).toContainText(`Added ${email} as viewer`);
  await rows(page).nth(1).getByRole("link", { name: email }).click();
  await expect(page.getByRole("complementary", { name: "User" })).toContainText(email);
});

test("the audit loads page by page and shows an error when fetching fails", async ({ page }) => {
  let failing = true;
  await page.route(/\/api\/audit/, (route) =>
    failing ? route.abort() : route.continue({ url: route.request().url().replace("limit=100", "limit=1") }),
  );
  await signIn(page);
  for (const name of ["One", "Two"])
    await page.request.post("/api/tokens", {
      data: { name: `${name} ${randomUUID()}`, scopes: ["read"] },
      headers: { "x-requested-with": "fetch" },
    });
  await page.goto("/audit");
  await expect(page.getByRole("alert")).toContainText("The server cannot be reached.");
  failing = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(rows(page)).toHaveCount(1);
  await expect(page.getByRole("alert")).toHaveCount(0);
  await page.getByRole("button", { name: "Load more" }).click();
  await expect(rows(page)).toHaveCount(2);
});
