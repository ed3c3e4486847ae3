import { expect, test } from "vitest";
import { reader } from "./keys";

test("one key does something at once, two do it together, and in time", () => {
  const done: string[] = [];
  const names = ["?", "g e", "g n", "e"];
  const read = reader(Object.fromEntries(names.map((name) => [name, () => void done.push(name)])));
  const press = (key: string, at: number): string => {
    const found = read(key, at);
    if (typeof found !== "function") return found ?? "nothing";
    found();
    return "done";
  };
  expect([press("?", 0), press("g", 1), press("e", 2)]).toEqual(["done", "begun", "done"]);
  expect(done).toEqual(["?", "g e"]);
  // Too late, the second is a key of its own.
  expect([press("g", 10), press("e", 2_000)]).toEqual(["begun", "done"]);
  expect(done.at(-1)).toBe("e");
  // What is bound to nothing ends what was begun.
  expect([press("g", 3_000), press("x", 3_001), press("n", 3_002)]).toEqual(["begun", "nothing", "nothing"]);
  expect([press("g", 4_000), press("g", 4_001), press("n", 4_002)]).toEqual(["begun", "begun", "done"]);
  expect([press("constructor", 5_000), done.length]).toEqual(["nothing", 4]);
});
