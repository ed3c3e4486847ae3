import { expect, signIn, test } from "./support";

test("the API page lists every operation, filters them, and shows a curl command", async ({ page, request }) => {
  await signIn(page);
  await page.getByRole("button", { name: /Your account/ }).click();
  await page.getByRole("link", { name: "API" }).click();
  await expect(page).toHaveURL("/docs");
  await expect(page.getByRole("heading", { level: 1, name: "API" })).toBeVisible();

  const apiDocument = (await (await request.get("/api/openapi.json")).json()) as { paths: Record<string, object> };
  const operations = Object.values(apiDocument.paths).flatMap((methods) => Object.keys(methods));
  await expect(page.getByRole("main").locator("summary")).toHaveCount(operations.length);

  await page.getByLabel("Find an operation").fill("get /api/events list");
  const operation = page.getByRole("main").locator("details").filter({ hasText: "Lists events, newest first." });
  await expect(operation.first()).toBeVisible();
  await operation.first().locator("summary").focus();
  await page.keyboard.press("Enter");
  await expect(operation.first()).toContainText("a token with read");
  await expect(operation.first()).toContainText("not.kind");
  await expect(operation.first()).toContainText("items[].recipient");
  await expect(operation.first()).toContainText("bad_filter");
  const command = await operation.first().locator("code", { hasText: "curl" }).textContent();
  expect(command).toBe(`curl -H "Authorization: Bearer $TOKEN" '${new URL("/api/events", page.url()).href}'`);

  await page.getByLabel("Find an operation").fill("nothing is called that");
  await expect(page.getByRole("status").filter({ hasText: "No operation" })).toBeVisible();
});
