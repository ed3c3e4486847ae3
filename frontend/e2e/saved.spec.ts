import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { deliver, event, expect, row, signIn, test } from "./support";

const bar = (page: Page) => page.getByRole("region", { name: "Saved view" });
const menuItem = (page: Page, name: string) =>
  page.getByRole("dialog", { name: "Saved view" }).getByRole("button", { name, exact: true });
const saved = (page: Page) => page.getByRole("list", { name: "Saved" });

test("a filter is saved as a view, marked when changed, saved again, renamed, shared and deleted", async ({
  page,
  anotherPage,
}) => {
  const run = randomUUID().slice(0, 8);
  const [name, renamed] = [`Opens ${run}`, `VIPs ${run}`];
  await deliver([
    event("open", { subject: run, tags: ["vip"] }),
    event("open", { subject: run }),
    event("send", { subject: run }),
  ]);
  await signIn(page, `/?q=${run}&kind=open`);
  await expect(row(page, run)).toHaveCount(2);
  await bar(page).getByRole("button", { name: "Save this view…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(bar(page).getByRole("button", { name })).toBeVisible();
  await expect(saved(page).getByRole("link", { name })).toHaveAttribute("aria-current", "page");

  // A changed view stays selected and is marked as changed. After saving, it restores the new filter.
  const field = page.getByRole("combobox", { name: "Search events" });
  await field.fill(`tag:vip ${run}`);
  await page.keyboard.press("Enter");
  await expect(row(page, run)).toHaveCount(1);
  await expect(bar(page)).toContainText("changed, not saved");
  await expect(saved(page).getByRole("link", { name: `${name} , changed` })).toBeVisible();
  await bar(page).getByRole("button", { name }).click();
  await menuItem(page, "Save").click();
  await expect(bar(page)).not.toContainText("changed");
  await page.goto("/");
  await saved(page).getByRole("link", { name }).click();
  await expect(page).toHaveURL(new RegExp(`kind=open&q=${run}&tag=vip`));
  await expect(row(page, run)).toHaveCount(1);

  // A duplicate name is rejected in the dialog.
  await field.fill(`kind:send ${run}`);
  await page.keyboard.press("Enter");
  await bar(page).getByRole("button", { name }).click();
  await menuItem(page, "Save as…").click();
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel" }).click();

  await bar(page).getByRole("button", { name }).click();
  await menuItem(page, "Edit view…").click();
  await dialog.getByLabel("Name").fill(renamed);
  await dialog.getByLabel("Shared with everyone").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(saved(page).getByRole("link", { name: renamed })).toContainText("shared");
  const other = await anotherPage();
  await signIn(other);
  await saved(other).getByRole("link", { name: renamed }).click();
  await expect(row(other, run)).toHaveCount(1);

  await bar(page).getByRole("button", { name: renamed }).click();
  await menuItem(page, "Edit view…").click();
  await dialog.getByRole("button", { name: "Delete…" }).click();
  await dialog.getByRole("button", { name: "Delete it" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("link", { name: renamed })).toHaveCount(0);
  await expect(bar(page).getByRole("button", { name: "Save this view…" })).toBeVisible();
});

test("another user's shared view can be opened and copied but not changed", async ({ page }) => {
  const sharedView = {
    id: 7,
    name: "Theirs",
    query: "kind=open",
    shared: true,
    mine: false,
    owner_email: "bo@example.org",
  };
  await page.route("**/api/views", (route) => route.fulfill({ json: { items: [sharedView], next: null } }));
  await page.route("**/api/session", async (route) => {
    const response = await route.fetch();
    const answer = (await response.json()) as { user?: { role: string } | null };
    if (answer.user) answer.user.role = "viewer";
    await route.fulfill({ response, json: answer });
  });
  await page.setViewportSize({ width: 390, height: 800 });
  await signIn(page);
  await page.getByRole("button", { name: "More", exact: true }).click();
  await saved(page).getByRole("link", { name: "Theirs" }).click();
  await expect(page).toHaveURL("/?kind=open");
  await expect(saved(page)).toBeHidden();
  const menu = page.getByRole("dialog", { name: "Saved view" });
  const filters = page.getByRole("button", { name: "Filters" });
  await filters.click();
  await bar(page).getByRole("button", { name: "Theirs" }).click();
  await expect(menu).toContainText("shared by bo@example.org");
  await expect(menu.getByRole("button")).toHaveCount(0);
  await page.goto("/?kind=open");
  await page.getByRole("button", { name: "More", exact: true }).click();
  await saved(page).getByRole("link", { name: "Theirs" }).click();
  await page.getByRole("combobox", { name: "Search events" }).fill("tag:none");
  await page.keyboard.press("Enter");
  await filters.click();
  await bar(page).getByRole("button", { name: "Theirs" }).click();
  await expect(menu.getByRole("button")).toHaveText(["Save as…"]);
});
