import { expect, test } from "vitest";
import { GROUPS, TEMPLATES } from "./templates";

const KINDS = [
  "send",
  "deferral",
  "hard_bounce",
  "soft_bounce",
  "delivered",
  "open",
  "click",
  "spam",
  "unsub",
  "reject",
  "inbound",
  "sms_processing",
  "sms_queued",
  "sms_sent",
  "sms_delivered",
  "sms_canceled",
  "sms_failed",
  "sms_open",
  "sms_click",
  "sms_unsub",
  "blacklist_add",
  "blacklist_change",
  "blacklist_remove",
  "whitelist_add",
  "whitelist_change",
  "whitelist_remove",
];

test("every event kind that Mandrill sends has a template", () => {
  const elements = TEMPLATES.flatMap(({ make }) => make() as { event?: string; type?: string; action?: string }[]);
  const kinds = new Set(elements.map(({ event, type, action }) => event ?? `${type}_${action}`));
  for (const kind of KINDS) expect(kinds).toContain(kind);
});

test("template ids and names are unique, and the expected receipts match the elements", () => {
  expect(new Set(TEMPLATES.map(({ id }) => id)).size).toBe(TEMPLATES.length);
  expect(new Set(TEMPLATES.map(({ name }) => name)).size).toBe(TEMPLATES.length);
  for (const { make, receipt, group } of TEMPLATES) {
    expect(GROUPS).toContain(group);
    expect(make()).toHaveLength(receipt.received);
    expect(receipt.stored + receipt.duplicates + receipt.quarantined).toBe(receipt.received);
  }
});

test("repeated batches differ, so that both are stored, and use only example domains", () => {
  for (const { id, make } of TEMPLATES) {
    if (id === "empty") continue;
    const text = JSON.stringify(make());
    expect(JSON.stringify(make())).not.toBe(text);
    for (const [, domain] of text.matchAll(/@([\w.-]+)/g)) expect(domain).toMatch(/(^|\.)example\.(com|org|net)$/);
  }
});
