import { randomUUID } from "node:crypto";
import { deliver, event, expect, signIn, test } from "./support";

test("message, recipient and statistics are printed without what acts or leads elsewhere", async ({ page }) => {
  const run = randomUUID();
  const email = `ada-${run}@example.com`;
  const mail = event("hard_bounce", { subject: `Printed ${run}`, email, diag: "550 5.1.1 No such user here" });
  await deliver([mail, event("send", { email })]);
  await page.emulateMedia({ colorScheme: "dark" });
  await signIn(page);
  const main = page.getByRole("main");
  for (const [path, text] of [
    [`/messages/${mail["_id"]}`, "550 5.1.1 No such user here"],
    [`/recipients/${encodeURIComponent(email)}`, "The address does not exist at its domain."],
    ["/stats?range=24h", "Bounce"],
  ] as const) {
    await page.goto(path);
    await expect(main.getByText(text).first()).toBeVisible();
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await expect(main.getByText(text).first()).toBeVisible();
    await expect(page.getByRole("navigation").first()).toBeHidden();
    await expect(page.getByRole("button", { name: /^Notifications/ })).toBeHidden();
    await expect(page.getByRole("group", { name: "Time" })).toBeHidden();
    // Dark text on white paper, also in the dark theme.
    expect(await page.evaluate(() => getComputedStyle(document.body).colorScheme)).toBe("light");
    await page.emulateMedia({ media: "screen", colorScheme: "dark" });
  }
  await expect(page.getByRole("navigation").first()).toBeVisible();
});
