import { expect, test } from "vitest";
import type { Member } from "../../api/access";
import { statusOf } from "./status";

const NOW = Date.parse("2026-01-02T00:00:00Z");

function member(more: Partial<Member>): Member {
  const times = { created_at: "2026-01-01T00:00:00Z", last_seen_at: null, invited_until: null };
  const account = {
    email: "ada@example.com",
    role: "viewer",
    restriction: null,
    addresses: null,
    disabled: false,
    has_password: false,
  } as const;
  return { id: 1, ...account, ...times, ...more };
}

test("the status reflects whether the user can sign in, or has a valid link", () => {
  const table: readonly (readonly [Partial<Member>, string])[] = [
    [{ has_password: true }, "Active"],
    [{ has_password: true, invited_until: "2026-01-03T00:00:00Z" }, "Active"],
    [{ has_password: true, disabled: true }, "Disabled"],
    [{ invited_until: "2026-01-03T00:00:00Z" }, "Invited"],
    [{ invited_until: "2026-01-01T00:00:00Z" }, "Not signed up"],
    [{}, "Not signed up"],
  ];
  for (const [more, label] of table) expect(statusOf(member(more), NOW).label, JSON.stringify(more)).toBe(label);
});
