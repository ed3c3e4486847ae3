import { expect, test } from "vitest";
import { statusOf } from "./status";

const kinds = (...names: string[]) =>
  names.map((kind) => ({ kind, count: 1, first_at: "", last_at: "", diagnostic: null, reason_class: null }));

test("the latest relevant event determines the status", () => {
  const table: readonly (readonly [string[], string])[] = [
    [["send", "open", "hard_bounce"], "Reachable"],
    [["send", "hard_bounce", "open"], "Bounces"],
    [["blacklist_add", "open"], "On the denylist"],
    [["blacklist_remove", "blacklist_add"], "Nothing known"],
    [["send"], "Nothing known"],
    [["constructor"], "Nothing known"],
  ];
  for (const [names, label] of table) expect(statusOf(kinds(...names)).label, names.join()).toBe(label);
});
