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

test("there is a template for every kind that Mandrill knows", () => {
  const made = TEMPLATES.flatMap(({ make }) => make() as { event?: string; type?: string; action?: string }[]);
  const kinds = new Set(made.map(({ event, type, action }) => event ?? `${type}_${action}`));
  for (const kind of KINDS) expect(kinds).toContain(kind);
});

test("each has a name of its own, and says how many elements it has", () => {
  expect(new Set(TEMPLATES.map(({ id }) => id)).size).toBe(TEMPLATES.length);
  expect(new Set(TEMPLATES.map(({ name }) => name)).size).toBe(TEMPLATES.length);
  for (const { make, gives, group } of TEMPLATES) {
    expect(GROUPS).toContain(group);
    expect(make()).toHaveLength(gives.received);
    expect(gives.stored + gives.duplicates + gives.quarantined).toBe(gives.received);
  }
});

test("what is made twice differs, so that both are stored, and names nobody real", () => {
  for (const { id, make } of TEMPLATES) {
    if (id === "empty") continue;
    const text = JSON.stringify(make());
    expect(JSON.stringify(make())).not.toBe(text);
    for (const [, domain] of text.matchAll(/@([\w.-]+)/g)) expect(domain).toMatch(/(^|\.)example\.(com|org|net)$/);
  }
});
