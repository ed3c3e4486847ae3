import { expect, test } from "vitest";
import { ago } from "./now";

test("times ago are short and never in the future", () => {
  const table: [number, string][] = [
    [-5, "0 s"],
    [0, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [3599, "59 min"],
    [3600, "1 h"],
    [86_400 * 3, "3 d"],
    [86_400 * 800, "2 y"],
  ];
  for (const [seconds, text] of table) expect(ago(0, seconds * 1000)).toBe(text);
});
