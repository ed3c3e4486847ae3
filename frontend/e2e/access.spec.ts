import { randomUUID } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { admin, deliver, event, expect, signIn, test } from "./support";

const dialog = (page: Page): Locator => page.getByRole("dialog");
const panel = (page: Page): Locator => page.getByRole("complementary", { name: "User" });
const live = (page: Page): Locator => page.getByRole("status").getByText("Live", { exact: true });

/** Invites a user from the users page and returns the invitation link. */
async function invite(page: Page, email: string): Promise<string> {
  await page.getByRole("button", { name: "Invite…" }).click();
  await dialog(page).getByLabel("E-mail").fill(email);
  await dialog(page).getByRole("button", { name: "Create link" }).click();
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

/** Runs an action on the user in the open panel and confirms it. */
async function runAction(page: Page, action: string, confirm: string): Promise<void> {
  await panel(page).getByRole("button", { name: action }).click();
  await dialog(page).getByRole("button", { name: confirm, exact: true }).click();
  await expect(dialog(page)).toBeHidden();
}

test("an invited user signs in, gets a new role at once, and is signed out when disabled", async ({
  page,
  anotherPage,
}) => {
  const email = `bo-${randomUUID()}@example.com`;
  await signIn(page, "/users");
  const link = await invite(page, email);
  const member = page.getByRole("row").filter({ hasText: email });
  await expect(member).toContainText("Invited");

  const memberPage = await anotherPage();
  await memberPage.goto(link);
  await expect(memberPage.getByText(`Choose a password for ${email}`)).toBeVisible();
  await accept(memberPage, link, "a password of mine");
  await expect(memberPage.getByRole("link", { name: "Users" })).toHaveCount(0);
  // The link works only once.
  const latePage = await anotherPage();
  await latePage.goto(link);
  await expect(latePage.getByRole("alert")).toHaveText("This link no longer works.");

  await member.getByRole("link").click();
  await runAction(page, "Make admin…", "Make admin");
  await expect(member).toContainText("Admin");
  await expect(memberPage.getByRole("link", { name: "Users" })).toBeVisible();
  // Wait until the member's page is live again with the new role, so that disabling closes its socket.
  await expect(live(memberPage)).toBeVisible();
  await expect(member).toContainText("Active");

  await runAction(page, "Disable…", "Disable");
  await expect(member).toContainText("Disabled");
  await expect(memberPage).toHaveURL(/\/sign-in/);
  await memberPage.getByLabel("E-mail").fill(email);
  await memberPage.getByLabel("Password").fill("a password of mine");
  await memberPage.getByRole("button", { name: "Sign in" }).click();
  await expect(memberPage.getByRole("alert")).toHaveText("The email or the password is wrong.");

  // Once enabled, the user signs in with a new link, and an admin can end all their sessions.
  await runAction(page, "Enable…", "Enable");
  await panel(page).getByRole("button", { name: "New link…" }).click();
  await dialog(page).getByRole("button", { name: "Create link" }).click();
  const newLink = `${await dialog(page).locator("code").textContent()}`;
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await accept(memberPage, newLink, "another password of mine");
  await page.reload();
  await runAction(page, "Sign out everywhere…", "Sign out everywhere");
  await expect(memberPage).toHaveURL(/\/sign-in/);
  await expect(panel(page)).toContainText("Not signed in anywhere.");
});

test("users cannot disable themselves, and an existing address cannot be invited again", async ({ page }) => {
  await signIn(page, "/users");
  await page.getByRole("link", { name: admin.email }).click();
  await expect(panel(page)).toContainText("This is your account.");
  await expect(panel(page).getByRole("button", { name: "Disable…" })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Invite…" }).click();
  await dialog(page).getByLabel("E-mail").fill(admin.email);
  await page.keyboard.press("Enter");
  await expect(dialog(page).getByRole("alert")).toHaveText("An account with this address already exists.");
});

test("a signed-in user must sign out to use an invitation, and an invalid link shows an error", async ({ page }) => {
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

test("a token is shown once, works only within its scopes, and is rejected after it is revoked", async ({
  page,
  playwright,
  baseURL,
}) => {
  const name = `Export ${randomUUID()}`;
  await signIn(page, "/tokens");
  await page.getByRole("button", { name: "New token…" }).click();
  await dialog(page).getByLabel("What it is for").fill(name);
  await dialog(page).getByRole("button", { name: "Create token" }).click();
  const secret = `${await dialog(page).locator("code").first().textContent()}`;
  expect(secret.length).toBeGreaterThan(30);
  await dialog(page).getByRole("button", { name: "Done" }).click();
  const token = page.getByRole("row").filter({ hasText: name });
  await expect(token).toContainText("Never");
  await expect(page.getByText(secret)).toHaveCount(0);

  const client = await playwright.request.newContext({
    baseURL: `${baseURL}`,
    extraHTTPHeaders: { authorization: `Bearer ${secret}` },
  });
  expect((await client.get("/api/events")).status()).toBe(200);
  expect((await client.get("/api/tokens")).status()).toBe(403);
  expect((await client.post("/webhook/", { data: [] })).status()).toBe(403);
  await page.reload();
  await expect(token).not.toContainText("Never");
  await token.getByRole("button", { name: `Revoke ${name}…` }).click();
  await dialog(page).getByRole("button", { name: "Revoke", exact: true }).click();
  await expect(token).toHaveCount(0);
  expect((await client.get("/api/events")).status()).toBe(401);
  await client.dispose();
});

test("changing the password ends other sessions and keeps the current one", async ({ page, anotherPage }) => {
  const email = `di-${randomUUID()}@example.com`;
  await signIn(page, "/users");
  const link = await invite(page, email);
  const [current, other] = [await anotherPage(), await anotherPage()];
  await accept(current, link, "the first password");
  await other.goto("/sign-in");
  await other.getByLabel("E-mail").fill(email);
  await other.getByLabel("Password").fill("the first password");
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(live(other)).toBeVisible();

  await current.getByRole("button", { name: "Your account" }).click();
  await current.getByRole("link", { name: "Account" }).click();
  const sessions = current.getByRole("table", { name: "Sessions" });
  await expect(sessions.getByRole("row")).toHaveCount(3);
  await expect(sessions.getByRole("row").filter({ hasText: "This one" })).toHaveCount(1);
  await current.getByLabel("Current password").fill("not that password");
  await current.getByLabel("New password").fill("the second password");
  await current.getByRole("button", { name: "Change password" }).click();
  await expect(current.getByRole("alert")).toHaveText("The current password is wrong.");
  await current.getByLabel("Current password").fill("the first password");
  await current.getByRole("button", { name: "Change password" }).click();
  await expect(current.getByText("The password is changed")).toBeVisible();
  await expect(other).toHaveURL(/\/sign-in/);
  await expect(sessions.getByRole("row")).toHaveCount(2);

  // Sign in again with the new password. The first page can end the new session.
  await other.getByLabel("E-mail").fill(email);
  await other.getByLabel("Password").fill("the second password");
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(live(other)).toBeVisible();
  await current.reload();
  await sessions.getByRole("button", { name: /^Sign out/ }).click();
  await expect(sessions.getByRole("row")).toHaveCount(2);
  await expect(other).toHaveURL(/\/sign-in/);
});

test("with single sign-on, the sign-in page links to the provider and explains its errors", async ({ page }) => {
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

test("a limited user sees a part of all events, and every page says so", async ({ page, anotherPage }, info) => {
  const [mine, theirs] = [`mine-${randomUUID()}`, `theirs-${randomUUID()}`];
  await deliver([
    event("open", { subject: "For all eyes", tags: [mine, theirs] }),
    event("click", { subject: "For others", tags: [theirs] }),
  ]);
  await signIn(page, "/users");
  const email = `dee-${randomUUID()}@example.com`;
  const link = await invite(page, email);
  const memberPage = await anotherPage();
  await accept(memberPage, link, "a password of mine");
  await memberPage.goto(`/?q=${theirs}`);
  await expect(memberPage.getByText("For others")).toBeVisible();

  await page.getByRole("row").filter({ hasText: email }).getByRole("link").click();
  await panel(page).getByRole("button", { name: "What they see…" }).click();
  await dialog(page).getByRole("radio", { name: "A part of them" }).check();
  await dialog(page).getByLabel("Tags").fill(mine);
  await dialog(page).getByRole("button", { name: "Show what this would be" }).click();
  await expect(dialog(page).getByRole("status")).toContainText("1 event in the last seven days");
  await expect(dialog(page).getByRole("listitem")).toContainText("For all eyes");
  await page.screenshot({ path: info.outputPath("restriction.png") });
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await expect(panel(page)).toContainText(`tag ${mine}`);

  // The open page reconnects and shows only what is left.
  await expect(memberPage.getByText("For others")).toHaveCount(0);
  await expect(memberPage.getByText("For all eyes")).toBeVisible();
  for (const path of ["/", "/stats", "/notifications"]) {
    await memberPage.goto(path);
    await expect(memberPage.getByText(`You see a part of all events: tag ${mine}`)).toBeVisible();
  }
  await memberPage.screenshot({ path: info.outputPath("part.png") });
});

test("a user whose addresses are masked finds recipients by ids", async ({ page, anotherPage }, info) => {
  const [tag, who] = [`masked-${randomUUID()}`, `zoe-${randomUUID()}`];
  await deliver([
    event("open", { email: `${who}@example.com`, subject: `For ${who}@example.com`, tags: [tag] }),
    event("click", { email: `${who}@example.com`, subject: "Plain news", tags: [tag] }),
  ]);
  await signIn(page, "/users");
  const email = `max-${randomUUID()}@example.com`;
  const link = await invite(page, email);
  const memberPage = await anotherPage();
  await accept(memberPage, link, "a password of mine");
  await memberPage.goto(`/?tag=${tag}`);
  await expect(memberPage.getByText(`${who}@example.com`).first()).toBeVisible();

  await page.getByRole("row").filter({ hasText: email }).getByRole("link").click();
  await panel(page).getByRole("button", { name: "What they see…" }).click();
  await dialog(page)
    .getByRole("radio", { name: /^Masked/ })
    .check();
  await dialog(page).getByRole("button", { name: "Show what this would be" }).click();
  await expect(dialog(page).getByRole("status")).toContainText("•••@");
  await page.screenshot({ path: info.outputPath("masking.png") });
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await expect(panel(page)).toContainText("Masked");

  // The open page reconnects and shows no address any more.
  await expect(memberPage.getByText("Addresses are masked for you.")).toBeVisible();
  await expect(memberPage.getByText(who)).toHaveCount(0);
  await expect(memberPage.getByText("z•••@example.com").first()).toBeVisible();
  await memberPage.getByText("Plain news").click();
  const drawer = memberPage.getByRole("complementary", { name: "Event" });
  await drawer.getByRole("link", { name: "z•••@example.com" }).first().click();
  await expect(memberPage.getByRole("heading", { name: "z•••@example.com" })).toBeVisible();
  await expect(memberPage.getByText("Plain news").first()).toBeVisible();
  expect(memberPage.url()).toMatch(/\/recipients\/~[\w-]+$/);
  await memberPage.screenshot({ path: info.outputPath("masked-recipient.png") });
  await memberPage.goto(`/?q=${who}`);
  await expect(memberPage.getByText("Plain news")).toHaveCount(0);
  for (const path of ["/stats", "/notifications", `/tags/${tag}`]) {
    await memberPage.goto(path);
    await expect(memberPage.getByText("Addresses are masked for you.")).toBeVisible();
    await expect(memberPage.getByText(who)).toHaveCount(0);
  }
});
