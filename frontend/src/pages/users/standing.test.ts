import { expect, test } from "vitest";
import type { Member } from "../../api/access";
import { standingOf } from "./standing";

const NOW = Date.parse("2026-01-02T00:00:00Z");

function member(more: Partial<Member>): Member {
  const times = { created_at: "2026-01-01T00:00:00Z", last_seen_at: null, invited_until: null };
  return { id: 1, email: "ada@example.com", role: "viewer", disabled: false, has_password: false, ...times, ...more };
}

test("an account stands by whether one can sign in, now or by a link that still holds", () => {
  const table: readonly (readonly [Partial<Member>, string])[] = [
    [{ has_password: true }, "Active"],
    [{ has_password: true, invited_until: "2026-01-03T00:00:00Z" }, "Active"],
    [{ has_password: true, disabled: true }, "Disabled"],
    [{ invited_until: "2026-01-03T00:00:00Z" }, "Invited"],
    [{ invited_until: "2026-01-01T00:00:00Z" }, "Not signed up"],
    [{}, "Not signed up"],
  ];
  for (const [more, word] of table) expect(standingOf(member(more), NOW).word, JSON.stringify(more)).toBe(word);
});
