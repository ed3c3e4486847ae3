import { expect, test } from "vitest";
import { isZone, startOf } from "./zone";

function start(step: "day" | "month", moment: string, zone: string, offset = 0): string {
  return new Date(startOf(step, Date.parse(moment), zone, offset)).toISOString().slice(0, 16);
}

test("a day begins at midnight in its zone, also when the clocks change", () => {
  expect(start("day", "2026-07-01T22:30:00Z", "Europe/Berlin")).toBe("2026-07-01T22:00");
  expect(start("day", "2026-07-01T12:00:00Z", "Asia/Kolkata")).toBe("2026-06-30T18:30");
  expect(start("day", "2026-07-01T12:00:00Z", "UTC", -1)).toBe("2026-06-30T00:00");
  // A 25-hour day and the day after it.
  expect(start("day", "2026-10-25T12:00:00Z", "Europe/Berlin")).toBe("2026-10-24T22:00");
  expect(start("day", "2026-10-25T12:00:00Z", "Europe/Berlin", 1)).toBe("2026-10-25T23:00");
  // This day has no midnight in Beirut: it begins at 01:00.
  expect(start("day", "2026-03-29T12:00:00Z", "Asia/Beirut")).toBe("2026-03-28T22:00");
});

test("a month begins on its first day", () => {
  expect(start("month", "2026-03-31T12:00:00Z", "Europe/Berlin", -1)).toBe("2026-01-31T23:00");
  expect(start("month", "2026-12-31T23:30:00Z", "Europe/Berlin")).toBe("2026-12-31T23:00");
});

test("unknown zones are rejected", () => {
  expect([isZone("Europe/Berlin"), isZone("UTC"), isZone("Mars/Base")]).toEqual([true, true, false]);
});
