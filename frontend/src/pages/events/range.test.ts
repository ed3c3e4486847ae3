import { expect, test } from "vitest";
import { rangeInWords, resolved } from "./range";

const now = Date.parse("2026-11-25T12:00:00Z");

test("a range that is told from now becomes moments, and nothing else of a filter changes", () => {
  expect(resolved({ from: "24h", to: "90m", tag: "24h" }, now)).toEqual({
    from: "2026-11-24T12:00:00.000Z",
    to: "2026-11-25T10:30:00.000Z",
    tag: "24h",
  });
  expect(resolved({ from: "2026-11-01T00:00:00Z" }, now)).toEqual({ from: "2026-11-01T00:00:00.000Z" });
  expect(resolved({ from: "yesterday", to: "5y" }, now)).toEqual({ from: "yesterday", to: "5y" });
  expect(resolved({}, now)).toEqual({});
});

test("a range is said in words", () => {
  expect(rangeInWords({})).toBe("All time");
  expect(rangeInWords({ from: "7d" })).toBe("Last 7 days");
  expect(rangeInWords({ from: "90m" })).toBe("Last 90 minutes");
  expect(rangeInWords({ from: "2d", to: "1d" })).toBe("Last 2 days until last 1 day");
  expect(rangeInWords({ from: "2026-11-01T00:00:00Z" })).toMatch(/^Since .*2026/);
  expect(rangeInWords({ to: "2026-11-01T00:00:00Z" })).toMatch(/^Until .*2026/);
  expect(rangeInWords({ from: "2026-11-10T10:00:00Z", to: "2026-11-10T11:00:00Z" })).toMatch(/2026.*–/);
});
