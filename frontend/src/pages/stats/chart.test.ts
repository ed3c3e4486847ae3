import { expect, test } from "vitest";
import { axisMax, barsOf, bucketFormatter } from "./chart";

test("each bucket is a bar, and each count is in its series", () => {
  const bucket = (at: string, partial: boolean, counts: Record<string, number>) => ({
    at,
    end: at,
    partial,
    counts,
    unique: null,
  });
  const bars = barsOf({
    buckets: [
      bucket("2026-10-23T22:00:00Z", true, { send: 2, delivered: 1, open: 4 }),
      bucket("2026-10-24T22:00:00Z", false, {}),
      bucket("2026-10-25T23:00:00Z", false, { hard_bounce: 1, deferral: 3, brand_new: 5 }),
    ],
  });
  expect(bars.map(({ values, partial, sum }) => [...values, partial, sum])).toEqual([
    [0, 0, 4, 3, 0, true, 7],
    [0, 0, 0, 0, 0, false, 0],
    [1, 3, 0, 0, 5, false, 9],
  ]);
});

test("a week is named by its first day", () => {
  expect(bucketFormatter("week", "UTC")(Date.parse("2026-11-23T00:00:00Z"))).toMatch(/^week of .*23/);
});

test("the axis ends at a round number", () => {
  for (const [most, end] of [
    [0, 2],
    [1, 2],
    [3, 4],
    [7, 10],
    [11, 20],
    [6_001, 10_000],
  ] as const) {
    expect(axisMax(most), `${most}`).toBe(end);
  }
});
