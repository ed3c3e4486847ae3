import { expect, test } from "vitest";
import { standingOf } from "./standing";

const kinds = (...names: string[]) =>
  names.map((kind) => ({ kind, count: 1, first_at: "", last_at: "", diagnostic: null }));

test("what happened last of what matters says where mail to an address stands", () => {
  const table: readonly (readonly [string[], string])[] = [
    [["send", "open", "hard_bounce"], "Reachable"],
    [["send", "hard_bounce", "open"], "Bounces"],
    [["blacklist_add", "open"], "On the denylist"],
    [["blacklist_remove", "blacklist_add"], "Nothing known"],
    [["send"], "Nothing known"],
    [["constructor"], "Nothing known"],
  ];
  for (const [names, word] of table) expect(standingOf(kinds(...names)).word, names.join()).toBe(word);
});
