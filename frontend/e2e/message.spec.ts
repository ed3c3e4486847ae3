import { randomUUID } from "node:crypto";
import { deliver, event, expect, row, signIn, test } from "./support";

/** Creates another event for the same message, `delay` seconds later. */
function followUp(message: Record<string, unknown>, kind: string, delay: number, more: Record<string, unknown> = {}) {
  const msg = message["msg"] as Record<string, unknown>;
  return { ...message, event: kind, ts: (message["ts"] as number) + delay, msg: { ...msg, ...more } };
}

test("the message page shows its history live and links to the recipient and other messages", async ({ page }) => {
  const run = randomUUID();
  const email = `ada-${run}@example.com`;
  const first = event("send", { subject: `First ${run}`, email });
  const other = event("send", { subject: `Other ${run}`, email });
  const deferred = { diag: "451 4.7.1 Greylisted, try again later" };
  await deliver([first, other, followUp(first, "deferral", 1, deferred), followUp(first, "deferral", 2, deferred)]);
  await signIn(page);
  await row(page, `First ${run}`)
    .getByRole("button", { name: `First ${run}` })
    .first()
    .click();
  await page.getByRole("link", { name: "Open the message" }).click();
  await expect(page.getByRole("heading", { name: `First ${run}` })).toBeVisible();
  const history = page.getByRole("list", { name: "What became of it" }).getByRole("listitem");
  await expect(history).toHaveText([
    /Sent/,
    /Deferred.*2 times.*defers the first messages of a sender.*Mandrill tries again/s,
  ]);

  await deliver([followUp(first, "open", 3), followUp(other, "hard_bounce", 1, { diag: "550 5.1.1 No such user" })]);
  await expect(history).toHaveCount(3);
  await expect(history.last()).toContainText("Opened");
  await deliver([{ ...followUp(first, "open", 600), user_agent: "BarracudaCentral" }]);
  await expect(history.last()).toContainText("a security scanner");
  await expect(history.last()).toContainText("names itself as a security product");
  await page.reload();
  const related = page.getByRole("region", { name: "Other messages to this address" });
  await expect(related).toContainText("Bounced");
  await related.getByRole("link", { name: `Other ${run}` }).click();
  await expect(page.getByRole("heading", { name: `Other ${run}` })).toBeVisible();
  await expect(history.last()).toContainText("The address does not exist at its domain. Mandrill has stopped trying");

  await page.getByRole("link", { name: email }).click();
  await expect(page.getByRole("heading", { name: email })).toBeVisible();
  await expect(page.getByRole("list", { name: "How often what happened" })).toContainText("Deferred2");
  await expect(page.getByRole("row")).toHaveCount(8);
  await deliver([followUp(first, "click", 4)]);
  await expect(page.getByRole("list", { name: "How often what happened" })).toContainText("Clicked1");
  // The click is of an earlier message, so the address still bounces.
  await expect(page.getByText("Bounces.")).toBeVisible();

  await page.goto("/messages/there-is-none");
  await expect(page.getByRole("alert")).toContainText("There is nothing at this address.");
});
