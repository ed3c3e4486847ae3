import { expect, test } from "vitest";
import { barsOf, axisMax } from "./chart";

test("empty buckets are filled in and each count is in its series", () => {
  const bars = barsOf({
    from: "2026-10-24T05:00:00Z",
    to: "2026-10-27T05:00:00Z",
    step: "day",
    zone: "Europe/Berlin",
    // The clocks change on the 25th.
    buckets: [
      { at: "2026-10-23T22:00:00Z", counts: { send: 2, delivered: 1, open: 4 } },
      { at: "2026-10-25T23:00:00Z", counts: { hard_bounce: 1, deferral: 3, brand_new: 5 } },
    ],
  });
  expect(bars.map(({ at, values }) => [new Date(at).toISOString().slice(0, 13), ...values])).toEqual([
    ["2026-10-23T22", 0, 0, 4, 3, 0],
    ["2026-10-24T22", 0, 0, 0, 0, 0],
    ["2026-10-25T23", 1, 3, 0, 0, 5],
    ["2026-10-26T23", 0, 0, 0, 0, 0],
  ]);
  expect(bars[2]?.sum).toBe(9);
});

test("a day by hour has 24 bars, also in zones with a half-hour offset", () => {
  const day = { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" };
  for (const [zone, at] of [
    ["UTC", "2026-01-01T23:00:00Z"],
    ["Asia/Kolkata", "2026-01-01T22:30:00Z"],
  ] as const) {
    const bars = barsOf({ ...day, zone, step: "hour", buckets: [{ at, counts: { open: 1 } }] });
    expect([bars.length, bars.at(-1)?.sum], zone).toEqual([24, 1]);
  }
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
