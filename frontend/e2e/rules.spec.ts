import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { deliver, event, expect, signIn, test } from "./support";

const rules = (page: Page) => page.getByRole("list", { name: "Rules" }).getByRole("listitem");
const list = (page: Page) => page.getByRole("main").getByRole("list", { name: "Notifications" });

// Other tests rely on the standard rules.
test.afterEach(async ({ page }) => {
  await page.request.delete("/api/rules", { headers: { "x-requested-with": "fetch" } });
});

test("only events that match a rule notify, and resetting notifies on every open again", async ({ page }) => {
  await signIn(page, "/notifications");
  await page.getByRole("link", { name: "Rules…" }).click();
  await expect(page).toHaveURL("/notifications/rules");
  await expect(rules(page)).toHaveText([/^Opens/]);
  await page.getByRole("button", { name: "Add a rule…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Save" })).toBeDisabled();
  await dialog.getByLabel("Hard bounces").check();
  await dialog.getByLabel("Spam complaints").check();
  await dialog.getByLabel("Only with this tag").fill("welcome");
  await dialog.getByLabel("Only to this address").fill("no address");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toHaveText("The recipient is not an email address.");
  await dialog.getByLabel("Only to this address").fill("");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(rules(page)).toHaveText([/^Opens/, /^Hard bounces and spam complaints tagged “welcome”/]);
  await page.getByRole("button", { name: "Remove: Opens" }).click();
  await expect(rules(page)).toHaveCount(1);
  await page.getByRole("button", { name: /^Change: / }).click();
  await expect(dialog.getByLabel("Only with this tag")).toHaveValue("welcome");
  await dialog.getByLabel("Spam complaints").uncheck();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(rules(page)).toHaveText([/^Hard bounces tagged “welcome”/]);

  const run = randomUUID();
  const [matching, other, opened] = [`Wanted ${run}`, `Other ${run}`, `Opened ${run}`];
  await deliver([
    event("open", { subject: opened }),
    event("hard_bounce", { subject: other, tags: ["billing"] }),
    event("hard_bounce", { subject: matching, tags: ["welcome"], diag: "550 5.1.1 No such user" }),
  ]);
  await expect(page.getByRole("log")).toContainText(`“${matching}” to `);
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await expect(page.getByRole("complementary", { name: "Notifications" })).toContainText(matching);
  await page.goto("/notifications");
  await page.getByLabel("Kind").selectOption("Other events");
  await expect(page).toHaveURL("/notifications?kind=event");
  await expect(list(page)).toContainText(matching);
  await expect(list(page)).toContainText("550 5.1.1 No such user");
  await page.getByLabel("Kind").selectOption("Every kind");
  await expect(list(page)).toContainText(matching);
  await expect(list(page)).not.toContainText(other);
  await expect(list(page)).not.toContainText(opened);
  await list(page).getByRole("link").filter({ hasText: matching }).click();
  await expect(page).toHaveURL(/\/messages\//);

  // Without rules, there are no notifications. Resetting restores notifications for opens.
  await page.goto("/notifications/rules");
  await page.getByRole("button", { name: /^Remove: / }).click();
  await expect(page.getByText("No event notifies you.")).toBeVisible();
  await page.getByRole("button", { name: "Reset to default…" }).click();
  await dialog.getByRole("button", { name: "Reset to default" }).click();
  await expect(rules(page)).toHaveText([/^Opens/]);
  await expect(page.getByRole("button", { name: "Reset to default…" })).toHaveCount(0);
  const again = `Again ${randomUUID()}`;
  await deliver([
    event("hard_bounce", { subject: `Not ${again}`, tags: ["welcome"] }),
    event("open", { subject: again }),
  ]);
  await expect(page.getByRole("log")).toContainText(`opened “${again}”`);
  await expect(page.getByRole("log")).not.toContainText(`Not ${again}`);
});

test("a rule that cannot be saved or removed shows an error and stays unchanged", async ({ page }) => {
  await signIn(page, "/notifications/rules");
  await expect(rules(page)).toHaveCount(1);
  await page.route("**/api/rules", (route) => (route.request().method() === "GET" ? route.continue() : route.abort()));
  await page.getByRole("button", { name: "Remove: Opens" }).click();
  await expect(page.getByRole("alert")).toHaveText("The server cannot be reached.");
  await expect(rules(page)).toHaveCount(1);
  await page.getByRole("button", { name: "Change: Opens" }).click();
  await page.getByRole("dialog").getByLabel("Clicks").check();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toHaveText("The server cannot be reached.");
  await page.keyboard.press("Escape");
  await expect(rules(page)).toHaveText([/^Opens/]);
});
