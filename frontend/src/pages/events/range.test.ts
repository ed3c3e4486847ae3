import { expect, test } from "vitest";
import { describeRange, resolveRange } from "./range";

const now = Date.parse("2026-11-25T12:00:00Z");

test("relative bounds become instants and the rest of the filter is unchanged", () => {
  expect(resolveRange({ from: "24h", to: "90m", tag: "24h" }, now)).toEqual({
    from: "2026-11-24T12:00:00.000Z",
    to: "2026-11-25T10:30:00.000Z",
    tag: "24h",
  });
  expect(resolveRange({ from: "2026-11-01T00:00:00Z" }, now)).toEqual({ from: "2026-11-01T00:00:00.000Z" });
  expect(resolveRange({ from: "yesterday", to: "5y" }, now)).toEqual({ from: "yesterday", to: "5y" });
  expect(resolveRange({}, now)).toEqual({});
});

test("a range is described in words", () => {
  expect(describeRange({})).toBe("All time");
  expect(describeRange({ from: "7d" })).toBe("Last 7 days");
  expect(describeRange({ from: "90m" })).toBe("Last 90 minutes");
  expect(describeRange({ from: "2d", to: "1d" })).toBe("Last 2 days until last 1 day");
  expect(describeRange({ from: "2026-11-01T00:00:00Z" })).toMatch(/^Since .*2026/);
  expect(describeRange({ to: "2026-11-01T00:00:00Z" })).toMatch(/^Until .*2026/);
  expect(describeRange({ from: "2026-11-10T10:00:00Z", to: "2026-11-10T11:00:00Z" })).toMatch(/2026.*–/);
});
