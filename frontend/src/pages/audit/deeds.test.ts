import { expect, test } from "vitest";
import type { AuditEntry } from "../../api/audit";
import { deedOf, restOf } from "./deeds";

function entry(action: string, detail: Record<string, unknown>): AuditEntry {
  return { id: 1, at: "2026-01-01T10:00:00Z", user_email: "ada@example.com", action, detail };
}

function told(action: string, detail: Record<string, unknown>): string {
  const { before, user, after } = deedOf(entry(action, detail));
  return [before, user === null ? "" : `#${user}`, after].filter(Boolean).join(" ");
}

test("whatever admins do is told in words", () => {
  expect(told("user_added", { user: 2, role: "viewer" })).toBe("Added #2 as viewer");
  expect(told("user_invited", { user: 2 })).toBe("Made a new link for #2");
  expect(told("user_changed", { user: 2, to: { role: "admin" } })).toBe("Made #2 admin");
  expect(told("user_changed", { user: 2, to: { disabled: true } })).toBe("Disabled #2");
  expect(told("user_changed", { user: 2, to: { disabled: false, role: "admin" } })).toBe(
    "Enabled #2 and made them admin",
  );
  expect(told("sessions_ended", { user: 2, count: 1 })).toBe("Ended 1 session of #2");
  expect(told("token_added", { token: 3, scopes: ["read", "simulate"] })).toBe(
    "Made token 3, which may read and simulate",
  );
  expect(told("token_revoked", { token: 3 })).toBe("Revoked token 3");
  const erased = { sha256: "ab12", erased: { events: 2, notifications: 1, quarantined: 0 } };
  expect(told("recipient_erased", erased)).toBe("Erased an address: 2 events, 1 notification");
  expect(restOf(entry("recipient_erased", erased))).toBe("SHA-256 ab12");
  expect(restOf(entry("user_invited", { user: 2 }))).toBe("");
});

test("what is not known here is told by its own name, with all that is said of it", () => {
  expect(told("rules_changed", { count: 2 })).toBe("Rules changed");
  expect(restOf(entry("rules_changed", { count: 2 }))).toBe('{"count":2}');
  expect(restOf(entry("rules_changed", {}))).toBe("");
  expect(told("user_changed", { user: 2, to: null })).toBe("Changed #2");
  expect(told("token_revoked", { token: null })).toBe("Revoked token ?");
});
