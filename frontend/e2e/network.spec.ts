import { randomUUID } from "node:crypto";
import { deliver, event, expect, row, signIn, test } from "./support";

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
  await notice.getByRole("button", { name: "Reload" }).click();
  await expect(page.getByRole("status").getByText("Live", { exact: true })).toBeVisible();
  expect(await page.evaluate(() => (globalThis as { sameDocument?: boolean }).sameDocument)).toBeUndefined();
});
