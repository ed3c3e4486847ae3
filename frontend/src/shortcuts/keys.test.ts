import { expect, test } from "vitest";
import { keyMatcher } from "./keys";

test("single keys act at once and two-key sequences act within the time limit", () => {
  const done: string[] = [];
  const names = ["?", "g e", "g n", "e"];
  const match = keyMatcher(Object.fromEntries(names.map((name) => [name, () => void done.push(name)])));
  const press = (key: string, at: number): string => {
    const found = match(key, at);
    if (typeof found !== "function") return found ?? "nothing";
    found();
    return "done";
  };
  expect([press("?", 0), press("g", 1), press("e", 2)]).toEqual(["done", "pending", "done"]);
  expect(done).toEqual(["?", "g e"]);
  // After the time limit, the second key counts as a single key.
  expect([press("g", 10), press("e", 2_000)]).toEqual(["pending", "done"]);
  expect(done.at(-1)).toBe("e");
  // An unbound key ends a pending sequence.
  expect([press("g", 3_000), press("x", 3_001), press("n", 3_002)]).toEqual(["pending", "nothing", "nothing"]);
  expect([press("g", 4_000), press("g", 4_001), press("n", 4_002)]).toEqual(["pending", "pending", "done"]);
  expect([press("constructor", 5_000), done.length]).toEqual(["nothing", 4]);
});
