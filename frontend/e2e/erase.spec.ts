import { randomUUID } from "node:crypto";
import { deliver, event, expect, signIn, test } from "./support";

test("an address is erased after confirmation, and no API response contains it afterwards", async ({ page }) => {
  const email = `eve-${randomUUID()}@example.com`;
  const first = event("send", { email, subject: `Secret of ${email}`, metadata: { name: email } });
  await deliver([first, { ...first, event: "open", ip: "198.51.100.7" }, event("hard_bounce", { email, diag: email })]);
  await deliver([{ order: `for ${email}` }]);
  await signIn(page, `/recipients/${encodeURIComponent(email)}`);
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "4");

  await page.getByRole("button", { name: "Erase…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("status")).toContainText("3 events, 1 notification, and 1 item in quarantine");
  const erase = dialog.getByRole("button", { name: "Erase", exact: true });
  await expect(erase).toBeDisabled();
  await dialog.getByLabel("Type the address to confirm").fill("eve@example.com");
  await expect(erase).toBeDisabled();
  await dialog.getByLabel("Type the address to confirm").fill(email.toUpperCase());
  await erase.click();
  await expect(dialog.getByRole("status")).toContainText("Erased: 3 events, 1 notification, and 1 item in quarantine.");
  await expect(dialog.getByRole("status")).toContainText("Statistics do not change");
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(page.getByText(/^The personal data of this recipient was erased on/)).toBeVisible();

  // Collect every API URL that the pages request, and fetch each again at the end to check the response.
  const requested = new Set<string>();
  page.on("request", (request) => {
    if (request.method() === "GET" && new URL(request.url()).pathname.startsWith("/api/")) requested.add(request.url());
  });
  await page.goto("/");
  await expect(page.getByRole("row").filter({ hasText: "(erased)" }).first()).toBeVisible();
  await page.goto(`/?message_id=${first["_id"]}`);
  const erased = page.getByRole("row").filter({ hasText: "(erased)" });
  await expect(erased).toHaveCount(2);
  await expect(erased.first()).toContainText("erased");
  await page.goto(`/messages/${first["_id"]}`);
  await expect(page.getByRole("heading", { name: "An erased message" })).toBeVisible();
  await expect(page.getByText("The recipient and the content were erased")).toBeVisible();
  await expect(page.getByRole("list", { name: "What became of it" }).getByText("erased", { exact: true })).toHaveCount(
    2,
  );
  await page.goto("/notifications");
  await expect(page.getByText("Erased", { exact: true }).first()).toBeVisible();
  await page.goto("/quarantine?state=discarded");
  await expect(page.getByRole("table").getByText("erased").first()).toBeVisible();
  await page.goto("/stats");
  await expect(page.getByRole("table", { name: "Events by kind" })).toBeVisible();
  await page.goto(`/?q=${encodeURIComponent(email.split("@")[0] ?? "")}`);
  await expect(page.getByText("Nothing matches.")).toBeVisible();
  expect(requested.size).toBeGreaterThan(6);
  for (const url of requested) {
    const body = await (await page.request.get(url)).text();
    // Request URLs may contain the address, responses must not.
    expect(body.toLowerCase(), url).not.toContain(email);
  }
});
