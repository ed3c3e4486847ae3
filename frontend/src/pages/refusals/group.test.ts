import { expect, test } from "vitest";
import type { Refusal } from "../../api/types";
import { describeSenders, groupRefusals } from "./group";
import { describeCauses, reasonOf } from "./reasons";

function row(reason: string, network: string, hour: number, more: Partial<Refusal> = {}): Refusal {
  const at = (minute: string): string => `2026-11-25T${`${hour}`.padStart(2, "0")}:${minute}:00Z`;
  return {
    reason,
    network,
    hour: at("00"),
    count: 1,
    proven: 0,
    likely: 0,
    first_at: at("10"),
    last_at: at("30"),
    near_miss: null,
    hint: null,
    ...more,
  };
}

test("hours are summed up and deliveries that concern Mandrill come first", () => {
  const groups = groupRefusals([
    row("unsigned", "203.0.113.0/24", 12, { count: 40 }),
    row("wrong_signature", "198.51.100.0/24", 11, { count: 2, likely: 1 }),
    row("unsigned", "203.0.113.0/24", 9, { count: 2 }),
    row("wrong_signature", "192.0.2.0/24", 8),
  ]);
  expect(groups.map(({ reason, count }) => [reason, count])).toEqual([
    ["wrong_signature", 3],
    ["unsigned", 42],
  ]);
  expect(groups[0]?.networks.map(({ network }) => network)).toEqual(["198.51.100.0/24", "192.0.2.0/24"]);
  expect(groups[1]).toMatchObject({ first: "2026-11-25T09:10:00Z", last: "2026-11-25T12:30:00Z" });
  expect(groupRefusals([])).toEqual([]);
});

test("the newest explanation is shown and repeated rows count once", () => {
  const newest = row("wrong_signature", "n", 12);
  const groups = groupRefusals([
    newest,
    row("wrong_signature", "n", 11, { near_miss: "slash", hint: "new" }),
    row("wrong_signature", "n", 10, { near_miss: "scheme", hint: "old" }),
    newest,
  ]);
  expect(groups[0]?.networks).toEqual([expect.objectContaining({ count: 3, nearMiss: "slash", hint: "new" })]);
});

test("the text distinguishes signed, similar and unrelated requests", () => {
  const tally = { count: 5, proven: 0, likely: 0, first: "", last: "" };
  expect(describeSenders(tally)).toBe("None of them looks like a delivery from Mandrill.");
  expect(describeSenders({ ...tally, proven: 3, likely: 2 })).toBe(
    "3 of 5 carry a signature of one of your keys. 2 of 5 look like deliveries from Mandrill, which anyone can imitate.",
  );
});

test("reasons and causes have descriptions, including unknown ones", () => {
  expect(reasonOf("wrong_signature")).toMatchObject({ label: "Wrong signature" });
  expect(reasonOf("moon_phase")).toMatchObject({ label: "Moon phase" });
  expect(reasonOf("toString").label).toBe("ToString");
  expect(describeCauses("scheme+slash")).toBe(
    "The scheme is http instead of https, or the reverse, and the trailing slash differs",
  );
  expect(describeCauses("moon_phase")).toBe("Moon phase");
});
