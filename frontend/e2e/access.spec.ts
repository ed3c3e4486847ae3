import { randomUUID } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { admin, expect, signIn, test } from "./support";

const dialog = (page: Page): Locator => page.getByRole("dialog");
const panel = (page: Page): Locator => page.getByRole("complementary", { name: "User" });
const live = (page: Page): Locator => page.getByRole("status").getByText("Live", { exact: true });

/** Invites somebody from the page of users, and gives the link that is shown. */
async function invite(page: Page, email: string): Promise<string> {
  await page.getByRole("button", { name: "Invite…" }).click();
  await dialog(page).getByLabel("E-mail").fill(email);
  await dialog(page).getByRole("button", { name: "Make a link" }).click();
  await expect(dialog(page).getByRole("status").first()).toContainText(`Give this link to ${email}`);
  const link = await dialog(page).locator("code").textContent();
  await dialog(page).getByRole("button", { name: "Done" }).click();
  return `${link}`;
}

async function accept(page: Page, link: string, password: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await expect(page).toHaveURL("/");
  await expect(live(page)).toBeVisible();
}

/** Does one of the actions on the user that is looked at. */
async function act(page: Page, action: string, confirm: string): Promise<void> {
  await panel(page).getByRole("button", { name: action }).click();
  await dialog(page).getByRole("button", { name: confirm, exact: true }).click();
  await expect(dialog(page)).toBeHidden();
}

test("somebody is invited, chooses a password, gets a role at once, and is signed out when disabled", async ({
  page,
  another,
}) => {
  const email = `bo-${randomUUID()}@example.com`;
  await signIn(page, "/users");
  const link = await invite(page, email);
  const member = page.getByRole("row").filter({ hasText: email });
  await expect(member).toContainText("Invited");

  const theirs = await another();
  await theirs.goto(link);
  await expect(theirs.getByText(`Choose a password for ${email}`)).toBeVisible();
  await accept(theirs, link, "a password of mine");
  await expect(theirs.getByRole("link", { name: "Users" })).toHaveCount(0);
  // Used once, it is used up.
  const late = await another();
  await late.goto(link);
  await expect(late.getByRole("alert")).toHaveText("This link no longer works.");

  await member.getByRole("link").click();
  await act(page, "Make admin…", "Make admin");
  await expect(member).toContainText("Admin");
  await expect(theirs.getByRole("link", { name: "Users" })).toBeVisible();
  // Their page begins anew with what it may see now; only then is there a socket to be cut.
  await expect(live(theirs)).toBeVisible();
  await expect(member).toContainText("Active");

  await act(page, "Disable…", "Disable");
  await expect(member).toContainText("Disabled");
  await expect(theirs).toHaveURL(/\/sign-in/);
  await theirs.getByLabel("E-mail").fill(email);
  await theirs.getByLabel("Password").fill("a password of mine");
  await theirs.getByRole("button", { name: "Sign in" }).click();
  await expect(theirs.getByRole("alert")).toHaveText("The e-mail or the password is wrong.");

  // Enabled again, they are let in by a new link, and sent away from everywhere.
  await act(page, "Enable…", "Enable");
  await panel(page).getByRole("button", { name: "New link…" }).click();
  await dialog(page).getByRole("button", { name: "Make a link" }).click();
  const again = `${await dialog(page).locator("code").textContent()}`;
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await accept(theirs, again, "another password of mine");
  await page.reload();
  await act(page, "Sign out everywhere…", "Sign out everywhere");
  await expect(theirs).toHaveURL(/\/sign-in/);
  await expect(panel(page)).toContainText("Nowhere at the moment.");
});

test("nobody changes their own role, and an address is invited once", async ({ page }) => {
  await signIn(page, "/users");
  await page.getByRole("link", { name: admin.email }).click();
  await expect(panel(page)).toContainText("This is you.");
  await expect(panel(page).getByRole("button", { name: "Disable…" })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Invite…" }).click();
  await dialog(page).getByLabel("E-mail").fill(admin.email);
  await page.keyboard.press("Enter");
  await expect(dialog(page).getByRole("alert")).toHaveText("Somebody has that address already.");
});

test("whoever is signed in has to sign out before a link is used, and a broken link says so", async ({ page }) => {
  await signIn(page, "/users");
  const email = `cy-${randomUUID()}@example.com`;
  const link = await invite(page, email);
  await page.goto(link);
  await expect(page.getByRole("main")).toContainText(`You are signed in as ${admin.email}`);
  await page.getByRole("main").getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByText(`Choose a password for ${email}`)).toBeVisible();
  await page.goto("/invitation");
  await expect(page.getByRole("alert")).toHaveText("This link no longer works.");
});

test("a token is shown once, works for what it was made for, and is refused when revoked", async ({
  page,
  playwright,
  baseURL,
}) => {
  const name = `Export ${randomUUID()}`;
  await signIn(page, "/tokens");
  await page.getByRole("button", { name: "New token…" }).click();
  await dialog(page).getByLabel("What it is for").fill(name);
  await dialog(page).getByRole("button", { name: "Make a token" }).click();
  const secret = `${await dialog(page).locator("code").first().textContent()}`;
  expect(secret.length).toBeGreaterThan(30);
  await dialog(page).getByRole("button", { name: "Done" }).click();
  const token = page.getByRole("row").filter({ hasText: name });
  await expect(token).toContainText("Never");
  await expect(page.getByText(secret)).toHaveCount(0);

  const program = await playwright.request.newContext({
    baseURL: `${baseURL}`,
    extraHTTPHeaders: { authorization: `Bearer ${secret}` },
  });
  expect((await program.get("/api/events")).status()).toBe(200);
  expect((await program.get("/api/tokens")).status()).toBe(403);
  expect((await program.post("/webhook/", { data: [] })).status()).toBe(403);
  await page.reload();
  await expect(token).not.toContainText("Never");
  await token.getByRole("button", { name: `Revoke ${name}…` }).click();
  await dialog(page).getByRole("button", { name: "Revoke", exact: true }).click();
  await expect(token).toHaveCount(0);
  expect((await program.get("/api/events")).status()).toBe(401);
  await program.dispose();
});

test("a new password ends the other session, and this one goes on", async ({ page, another }) => {
  const email = `di-${randomUUID()}@example.com`;
  await signIn(page, "/users");
  const link = await invite(page, email);
  const [one, other] = [await another(), await another()];
  await accept(one, link, "the first password");
  await other.goto("/sign-in");
  await other.getByLabel("E-mail").fill(email);
  await other.getByLabel("Password").fill("the first password");
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(live(other)).toBeVisible();

  await one.getByRole("button", { name: "Your account" }).click();
  await one.getByRole("link", { name: "Account" }).click();
  const sessions = one.getByRole("table", { name: "Sessions" });
  await expect(sessions.getByRole("row")).toHaveCount(3);
  await expect(sessions.getByRole("row").filter({ hasText: "This one" })).toHaveCount(1);
  await one.getByLabel("Current password").fill("not that password");
  await one.getByLabel("New password").fill("the second password");
  await one.getByRole("button", { name: "Change password" }).click();
  await expect(one.getByRole("alert")).toHaveText("The current password is wrong.");
  await one.getByLabel("Current password").fill("the first password");
  await one.getByRole("button", { name: "Change password" }).click();
  await expect(one.getByText("The password is changed")).toBeVisible();
  await expect(other).toHaveURL(/\/sign-in/);
  await expect(sessions.getByRole("row")).toHaveCount(2);

  // Signed in again with the new one, it is ended from the first page.
  await other.getByLabel("E-mail").fill(email);
  await other.getByLabel("Password").fill("the second password");
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(live(other)).toBeVisible();
  await one.reload();
  await sessions.getByRole("button", { name: /^Sign out/ }).click();
  await expect(sessions.getByRole("row")).toHaveCount(2);
  await expect(other).toHaveURL(/\/sign-in/);
});

test("where a provider is configured, its name is on the way to it, and what went wrong there is said", async ({
  page,
}) => {
  await page.route("**/api/session", (route) =>
    route.fulfill({ json: { user: null, single_sign_on: "Example Staff", feed: null } }),
  );
  await page.goto("/stats?from=24h");
  await expect(page.getByRole("link", { name: "Sign in with Example Staff" })).toHaveAttribute(
    "href",
    `/api/session/oidc?next=${encodeURIComponent("/stats?from=24h")}`,
  );
  await expect(page.getByRole("alert")).toHaveCount(0);
  await page.goto("/sign-in?problem=oidc_unknown");
  await expect(page.getByRole("alert")).toContainText("An admin can invite you.");
});
