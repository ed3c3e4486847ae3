import { expect, test } from "vitest";
import type { Refusal } from "../../api/types";
import { grouped } from "./group";
import { causesInWords, reasonOf } from "./reasons";

function row(reason: string, network: string, hour: number, more: Partial<Refusal> = {}): Refusal {
  const at = (minute: string): string => `2026-11-25T${`${hour}`.padStart(2, "0")}:${minute}:00Z`;
  return {
    reason,
    network,
    hour: at("00"),
    count: 1,
    first_at: at("10"),
    last_at: at("30"),
    near_miss: null,
    hint: null,
    ...more,
  };
}

test("hours are added up, and what was signed comes first", () => {
  const groups = grouped([
    row("unsigned", "203.0.113.0/24", 12, { count: 40 }),
    row("wrong_signature", "198.51.100.0/24", 11, { count: 2 }),
    row("unsigned", "203.0.113.0/24", 9, { count: 2 }),
    row("wrong_signature", "192.0.2.0/24", 8),
  ]);
  expect(groups.map(({ reason, count }) => [reason, count])).toEqual([
    ["wrong_signature", 3],
    ["unsigned", 42],
  ]);
  expect(groups[0]?.networks.map(({ network }) => network)).toEqual(["198.51.100.0/24", "192.0.2.0/24"]);
  expect(groups[1]).toMatchObject({ first: "2026-11-25T09:10:00Z", last: "2026-11-25T12:30:00Z" });
  expect(grouped([])).toEqual([]);
});

test("the newest explanation counts, and a row that comes twice counts once", () => {
  const newest = row("wrong_signature", "n", 12);
  const groups = grouped([
    newest,
    row("wrong_signature", "n", 11, { near_miss: "slash", hint: "new" }),
    row("wrong_signature", "n", 10, { near_miss: "scheme", hint: "old" }),
    newest,
  ]);
  expect(groups[0]?.networks).toEqual([expect.objectContaining({ count: 3, nearMiss: "slash", hint: "new" })]);
});

test("reasons and causes have words, also those that nobody has heard of", () => {
  expect(reasonOf("wrong_signature")).toMatchObject({ word: "Wrong signature", signed: true });
  expect(reasonOf("moon_phase")).toMatchObject({ word: "Moon phase", signed: false });
  expect(reasonOf("toString").word).toBe("ToString");
  expect(causesInWords("scheme+slash")).toBe(
    "http for https, or the other way round, and a slash at the end too many or too few",
  );
  expect(causesInWords("moon_phase")).toBe("moon phase");
});
