import { expect, test } from "vitest";
import { bucketName, bucketsBefore, ticksOf } from "./buckets";

const HOUR = 3_600_000;

test("a week is named by its first day", () => {
  expect(bucketName(Date.parse("2026-11-23T00:00:00Z"), "week", "UTC")).toMatch(/^week of .*23/);
});

test("the axis names every bucket, then hours, then midnights, and then every so many", () => {
  const hours = Array.from({ length: 72 }, (_, n) => Date.UTC(2026, 10, 1, 20) + n * HOUR);
  expect(ticksOf(hours.slice(0, 6), "hour", "UTC", 8)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(ticksOf(hours.slice(0, 24), "hour", "UTC", 8)).toEqual([1, 4, 7, 10, 13, 16, 19, 22]);
  expect(ticksOf(hours, "hour", "UTC", 8)).toEqual([4, 28, 52]);
  const days = Array.from({ length: 30 }, (_, n) => Date.UTC(2026, 10, 1 + n));
  expect(ticksOf(days, "day", "UTC", 8)).toEqual([0, 4, 8, 12, 16, 20, 24, 28]);
});

test("the time before has as many buckets, on the clocks of the zone", () => {
  const before = (at: string, step: "hour" | "day" | "week" | "month", count: number): string =>
    new Date(bucketsBefore(Date.parse(at), step, "Europe/Berlin", count)).toISOString();
  expect(before("2026-11-25T12:00:00Z", "hour", 24)).toBe("2026-11-24T12:00:00.000Z");
  expect(before("2026-10-25T23:00:00Z", "day", 7)).toBe("2026-10-18T22:00:00.000Z");
  expect(before("2026-11-22T23:00:00Z", "week", 2)).toBe("2026-11-08T23:00:00.000Z");
  expect(before("2026-05-31T22:00:00Z", "month", 12)).toBe("2025-05-31T22:00:00.000Z");
});
