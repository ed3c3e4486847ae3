import { expect, test } from "vitest";
import type { AuditEntry } from "../../api/audit";
import { describeEntry, extraDetail } from "./describe";

function entry(action: string, detail: Record<string, unknown>): AuditEntry {
  return { id: 1, at: "2026-01-01T10:00:00Z", user_email: "ada@example.com", action, detail };
}

function describe(action: string, detail: Record<string, unknown>): string {
  const { before, user, after } = describeEntry(entry(action, detail));
  return [before, user === null ? "" : `#${user}`, after].filter(Boolean).join(" ");
}

test("known actions are described in words", () => {
  expect(describe("user_added", { user: 2, role: "viewer" })).toBe("Added #2 as viewer");
  expect(describe("user_invited", { user: 2 })).toBe("Made a new link for #2");
  expect(describe("user_changed", { user: 2, to: { role: "admin" } })).toBe("Made #2 admin");
  expect(describe("user_changed", { user: 2, to: { disabled: true } })).toBe("Disabled #2");
  expect(describe("user_changed", { user: 2, to: { disabled: false, role: "admin" } })).toBe(
    "Enabled #2 and made them admin",
  );
  expect(describe("sessions_ended", { user: 2, count: 1 })).toBe("Ended 1 session of #2");
  expect(describe("token_added", { token: 3, scopes: ["read", "simulate"] })).toBe(
    "Made token 3, which may read and simulate",
  );
  expect(describe("token_revoked", { token: 3 })).toBe("Revoked token 3");
  const erased = { sha256: "ab12", erased: { events: 2, notifications: 1, quarantined: 0 } };
  expect(describe("recipient_erased", erased)).toBe("Erased an address: 2 events, 1 notification");
  expect(extraDetail(entry("recipient_erased", erased))).toBe("SHA-256 ab12");
  expect(extraDetail(entry("user_invited", { user: 2 }))).toBe("");
});

test("an entry says what may be seen", () => {
  const eu = { subaccounts: ["eu"], tags: [], domains: [] };
  const detail = (action: string, given: Record<string, unknown>): string => extraDetail(entry(action, given));
  expect(detail("user_added", { user: 2, role: "viewer", restriction: eu })).toBe("May see subaccount eu");
  expect(detail("user_changed", { user: 2, to: { restriction: null } })).toBe("May see all events");
  expect(detail("token_added", { token: 3, scopes: ["read"], restriction: null })).toBe("");
  expect(describe("token_changed", { token: 3, restriction: eu })).toBe("Changed token 3");
  expect(detail("token_changed", { token: 3, restriction: eu })).toBe("May see subaccount eu");
});

test("an entry says how addresses are seen, and what was read", () => {
  const detail = (action: string, given: Record<string, unknown>): string => extraDetail(entry(action, given));
  expect(detail("token_changed", { token: 3, to: { addresses: "masked" } })).toBe("Addresses masked");
  expect(detail("role_changed", { role: "viewer", addresses: "full" })).toBe("Addresses in full");
  expect(describe("role_changed", { role: "viewer", addresses: "full" })).toBe(
    "Changed how users with the role viewer see addresses",
  );
  const renewed = { user: 2, to: { role: "operator", restriction: null, addresses: null } };
  expect(detail("user_renewed", renewed)).toBe("as operator. May see all events");
  expect(describe("payload_read", { event: 4711 })).toBe("Read the payload of event 4711");
  expect(describe("payload_read", { quarantined: 7 })).toBe("Read element 7 in quarantine");
  const exported = { format: "ndjson", payload: true, conditions: ["kind", "from"], hmac: null, token: 3 };
  expect(describe("events_exported", exported)).toBe("Exported events as NDJSON with payloads");
  expect(detail("events_exported", exported)).toBe("By kind, from. With token 3");
  expect(detail("recipient_read", { hmac: "ab12" })).toBe("HMAC ab12");
});

test("unknown actions are described by their name and full detail", () => {
  expect(describe("rules_changed", { count: 2 })).toBe("Rules changed");
  expect(extraDetail(entry("rules_changed", { count: 2 }))).toBe('{"count":2}');
  expect(extraDetail(entry("rules_changed", {}))).toBe("");
  expect(describe("user_changed", { user: 2, to: null })).toBe("Changed #2");
  expect(describe("token_revoked", { token: null })).toBe("Revoked token ?");
});
