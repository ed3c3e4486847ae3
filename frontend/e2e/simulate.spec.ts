import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { TEMPLATES } from "../src/pages/simulate/templates";
import { event, expect, row, signIn, test } from "./support";

const answer = (page: Page) => page.getByRole("status", { name: "Answer" });
const post = (page: Page) => page.getByRole("button", { name: "Post the batch" });

test("every template gives the documented result, and its events arrive live", async ({ page }) => {
  await signIn(page, "/simulate");
  const arrivals = page.getByRole("list", { name: "Events that arrived" });
  for (const { id, name, receipt } of TEMPLATES) {
    await page.getByLabel("Start from").selectOption({ label: name });
    await expect(page).toHaveURL(`/simulate?template=${id}`);
    await post(page).click();
    await expect(answer(page)).toContainText(
      `200 ${receipt.received} received · ${receipt.stored} stored · ${receipt.duplicates} duplicates · ${receipt.quarantined} quarantined`,
    );
    if (receipt.stored === 0) continue;
    await expect(
      page.getByText(`${receipt.stored} of ${receipt.stored} event${receipt.stored === 1 ? "" : "s"} arrived.`),
    ).toBeVisible();
    await expect(arrivals.getByRole("link")).toHaveCount(Math.min(receipt.stored, 20));
  }
});

test("an event links to its message, and posting the batch again counts duplicates", async ({ page }) => {
  await signIn(page, "/simulate?template=life");
  await post(page).click();
  await expect(answer(page)).toContainText("5 stored");
  await post(page).click();
  await expect(answer(page)).toContainText("5 received · 0 stored · 5 duplicates");
  await page.getByRole("button", { name: "New ids and times" }).click();
  await post(page).click();
  await expect(answer(page)).toContainText("5 stored");
  await page
    .getByRole("list", { name: "Events that arrived" })
    .getByRole("link", { name: /Clicked/ })
    .click();
  await expect(page.getByRole("list", { name: "What became of it" }).getByRole("listitem")).toHaveCount(5);
});

test("a custom batch is posted unchanged, and syntax errors show their position", async ({ page }) => {
  await signIn(page, "/simulate");
  const batch = page.getByLabel("Batch");
  const subject = `Bounced ${randomUUID()}`;
  // A bare array, as in Mandrill's form field.
  await batch.fill(JSON.stringify([event("hard_bounce", { subject }), 17]));
  await batch.press("Control+Enter");
  await expect(answer(page)).toContainText("2 received · 1 stored · 0 duplicates · 1 quarantined");
  await page.getByRole("link", { name: "See the events" }).click();
  await expect(row(page, subject)).toContainText("simulated");
  await page.goto("/simulate");
  await batch.fill('{\n  "mandrill_events": [\n    {"event": open}\n  ]\n}');
  await expect(page.getByText("Line 3, column 15: Expected a value.")).toBeVisible();
  await expect(batch).toHaveAccessibleDescription(/Line 3, column 15/);
  await expect(post(page)).toBeDisabled();
  await page.getByRole("button", { name: "Show me" }).click();
  await expect(batch).toBeFocused();
  await page.keyboard.type('"o"');
  await expect(batch).toHaveValue(/"event": "o"pen/);
  await page.getByLabel("Start from").selectOption("click");
  await page.getByRole("button", { name: "Restore my batch" }).click();
  await expect(batch).toHaveValue(/"event": "o"pen/);
  await batch.fill('{"events":[]}');
  await post(page).click();
  await expect(answer(page)).toContainText("400 bad_json");
});

test("the signed command uses the configured webhook URL", async ({ page }) => {
  await signIn(page, "/simulate");
  await page.getByText("Post it signed, as Mandrill does").click();
  const command = page.getByRole("region", { name: "Command that posts it signed" });
  await expect(command).toContainText(`URL='${process.env["WEBHOOK_URL"]}'`);
  await expect(command).toContainText('[{"event":"open"');
});
