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
  await row(page, `First ${run}`).first().click();
  await page.getByRole("link", { name: "Open the message" }).click();
  await expect(page.getByRole("heading", { name: `First ${run}` })).toBeVisible();
  const history = page.getByRole("list", { name: "What became of it" }).getByRole("listitem");
  await expect(history).toHaveText([/Sent/, /Deferred.*2 times/s]);
  await expect(page.getByText("Deferred: greylisted", { exact: true })).toBeVisible();
  const diagnosis = page.getByRole("region", { name: "Diagnosis" });
  await expect(diagnosis).toContainText(/defers the first messages of a sender.*Mandrill tries again/);

  await deliver([followUp(first, "open", 3), followUp(other, "hard_bounce", 1, { diag: "550 5.1.1 No such user" })]);
  await expect(history).toHaveCount(3);
  await expect(history.last()).toContainText("Opened");
  // An open proves that the message has arrived; the deferral is explained where it happened.
  await expect(diagnosis).toBeHidden();
  await expect(history.nth(1)).toContainText("defers the first messages of a sender");
  await deliver([{ ...followUp(first, "open", 600), user_agent: "BarracudaCentral" }]);
  await expect(history.last()).toContainText("a security scanner");
  await expect(history.last()).toContainText("names itself as a security product");
  await expect(page.getByText("Arrived, opened once", { exact: true })).toBeVisible();
  await expect(page.getByLabel("Figures")).toContainText("Opened by people1 and 1 by machines");
  await page.reload();
  const related = page.getByRole("region", { name: "Other messages to this address" });
  await expect(related).toContainText("Bounced");
  await related.getByRole("link", { name: `Other ${run}` }).click();
  await expect(page.getByRole("heading", { name: `Other ${run}` })).toBeVisible();
  await expect(history.last()).toContainText("Bounced");
  await expect(diagnosis).toContainText("The address does not exist at its domain. Mandrill has stopped trying");

  await page.getByRole("link", { name: email }).click();
  await expect(page.getByRole("heading", { name: email })).toBeVisible();
  await expect(page.getByRole("list", { name: "Events by kind, with the latest time" })).toContainText("Deferred 2");
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "8");
  await deliver([followUp(first, "click", 4)]);
  await expect(page.getByRole("list", { name: "Events by kind, with the latest time" })).toContainText("Clicked 1");
  // The click is of an earlier message, so the address still bounces.
  await expect(page.getByText(/^Bounces since/)).toBeVisible();

  await page.goto("/messages/there-is-none");
  await expect(page.getByRole("alert")).toContainText("There is nothing at this address.");
});

test("the page says what became of the message, why, and links its facts", async ({ page }) => {
  const run = randomUUID().slice(0, 8);
  const url = `https://shop.example.com/${run}`;
  const sent = event("send", {
    subject: `Figures ${run}`,
    email: `fay-${run}@example.com`,
    template: `receipt-${run}`,
    metadata: { order: `o-${run}`, lines: [1] },
  });
  const bounced = event("send", { subject: `Lost ${run}` });
  await deliver([
    sent,
    followUp(sent, "delivered", 9),
    followUp(sent, "open", 60),
    { ...followUp(sent, "click", 70), url },
    { ...followUp(sent, "click", 80), url, user_agent: "BarracudaCentral" },
    followUp(bounced, "hard_bounce", 5, { diag: "550 5.1.1 No such user" }),
  ]);
  await signIn(page, `/messages/${sent["_id"]}`);
  const main = page.getByRole("main");
  await expect(main.getByText("Delivered in 9 s, opened once, clicked once", { exact: true })).toBeVisible();
  await expect(page.getByLabel("Figures")).toContainText("Delivery took9 s");
  await expect(page.getByLabel("Figures")).toContainText("Clicked by people1 and 1 by machines");
  await expect(page.getByRole("region", { name: "Diagnosis" })).toBeHidden();
  const links = page.getByRole("region", { name: "Links clicked" });
  await expect(links.getByRole("listitem")).toHaveText([`${url}1 + 1 by machines`]);
  const facts = page.getByRole("region", { name: "Facts" });
  await expect(facts).toContainText("lines[1]");
  await expect(facts.getByRole("link", { name: `o-${run}` })).toHaveAttribute("href", `/?metadata.order=o-${run}`);

  // Each step has the payload that Mandrill sent.
  const step = page.getByRole("list", { name: "What became of it" }).getByRole("listitem").nth(1);
  await step.getByRole("button", { name: "Payload" }).click();
  await expect(step.getByRole("heading", { name: "Payload" })).toBeVisible();
  await expect(step).toContainText('"delivered"');
  await step.getByRole("button", { name: "Hide payload" }).click();
  await expect(step.getByRole("heading", { name: "Payload" })).toBeHidden();
  await facts.getByRole("link", { name: `receipt-${run}` }).click();
  await expect(page).toHaveURL(`/templates/receipt-${run}`);
  await expect(page.getByRole("grid")).toHaveAttribute("aria-rowcount", "6");

  await page.goto(`/messages/${bounced["_id"]}`);
  await expect(main.getByText("Bounced: no such mailbox", { exact: true })).toBeVisible();
  const diagnosis = page.getByRole("region", { name: "Diagnosis" });
  await expect(diagnosis).toContainText("The address does not exist at its domain. Mandrill has stopped trying");
  await expect(diagnosis).toContainText("550 5.1.1 No such user");
});

test("the recipient's page says first whether mail arrives, then who reads it, the messages, and what stopped mail", async ({
  page,
}) => {
  const run = randomUUID().slice(0, 8);
  const email = `eli-${run}@example.com`;
  const first = event("send", { subject: `First ${run}`, email });
  const second = event("send", { subject: `Second ${run}`, email });
  const person = { user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0" };
  await deliver([
    first,
    followUp(first, "delivered", 2),
    { ...followUp(first, "open", 60), ...person, ip: "203.0.113.9" },
    { ...followUp(first, "click", 61), user_agent: "Mimecast", url: "https://shop.example.com/" },
    second,
    followUp(second, "hard_bounce", 90, { diag: "550 5.1.1 No such user here" }),
  ]);
  await signIn(page, `/recipients/${encodeURIComponent(email)}`);
  const main = page.getByRole("main");
  await expect(main.getByText(new RegExp(`^Bounces since .*: Bounced “Second ${run}”$`))).toBeVisible();
  await expect(main).toContainText("The address does not exist at its domain.");
  const engagement = main.getByLabel("Engagement");
  await expect(engagement).toContainText(/Last opened by a person\s*\d/);
  await expect(engagement).toContainText(/Last clicked by a person\s*None stored/);
  const messages = main.getByRole("region", { name: "Newest messages" }).getByRole("row");
  await expect(messages.filter({ hasText: `First ${run}` })).toContainText(
    /Sent\s*Delivered\s*Opened\s*Clicked by machines/,
  );
  await expect(messages.filter({ hasText: `Second ${run}` })).toContainText(/Sent\s*Bounced/);
  await expect(main.getByRole("region", { name: "What stopped mail" })).toContainText("550 5.1.1 No such user here");
  // What stopped mail names its message.
  const stopped = main.getByRole("region", { name: "What stopped mail" });
  await expect(stopped.getByRole("link", { name: `Second ${run}` })).toBeVisible();
  await messages.getByRole("link", { name: `Second ${run}` }).click();
  await expect(page).toHaveURL(`/messages/${second["_id"]}`);
});
