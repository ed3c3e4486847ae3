import { expect, test } from "vitest";
import { zone } from "../../preferences";
import { ownZone, queryOf, questionOf, viewOf } from "./view";

const NOW = Date.parse("2026-11-25T12:34:56Z");

test("an address says which time is meant, and what makes no sense in it is left out", () => {
  const usual = { range: "7d", days: null, zone: ownZone(), simulated: true, only: null };
  expect(viewOf({})).toEqual(usual);
  expect(viewOf({ range: "constructor", from: "2026-02-31", to: "2026-03-01", zone: "Mars/Base", only: "x" })).toEqual(
    usual,
  );
  const days = viewOf({ from: "2026-11-20", to: "2026-11-01", zone: "Asia/Kolkata", simulated: "false", only: "bad" });
  expect(days).toEqual({
    range: null,
    days: ["2026-11-01", "2026-11-20"],
    zone: "Asia/Kolkata",
    simulated: false,
    only: "bad",
  });
  for (const view of [viewOf({ range: "24h", zone: "UTC" }), days]) {
    expect(viewOf(queryOf(view) as Record<string, string>)).toEqual(view);
  }
});

test("whoever is told times in UTC is so here, unless the address says otherwise", () => {
  zone.value = "utc";
  expect(viewOf({}).zone).toBe("UTC");
  expect(viewOf({ zone: "Asia/Kolkata" }).zone).toBe("Asia/Kolkata");
  zone.value = "local";
});

test("ranges end now; days begin and end at midnight there", () => {
  expect(questionOf(viewOf({ range: "24h", zone: "UTC" }), NOW)).toEqual({
    from: "2026-11-24T12:34:56.000Z",
    to: "2026-11-25T12:34:56.000Z",
    zone: "UTC",
  });
  // The server rounds outward to whole hours: 24 of them are asked for, and not 25.
  const day = viewOf({ from: "2026-11-20", to: "2026-11-20", zone: "Europe/Berlin", simulated: "false" });
  expect(questionOf(day, NOW)).toEqual({
    from: "2026-11-19T23:00:00.000Z",
    to: "2026-11-20T22:59:59.000Z",
    zone: "Europe/Berlin",
    simulated: "false",
  });
});
