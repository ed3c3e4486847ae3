import { expect, test } from "vitest";
import { zone } from "../../preferences";
import { browserZone, queryOf, requestParams, viewOf } from "./view";

const NOW = Date.parse("2026-11-25T12:34:56Z");

test("the query determines the view and invalid parameters are ignored", () => {
  const defaults = { range: "7d", days: null, zone: browserZone(), simulated: true, only: null };
  expect(viewOf({})).toEqual(defaults);
  expect(viewOf({ range: "constructor", from: "2026-02-31", to: "2026-03-01", zone: "Mars/Base", only: "x" })).toEqual(
    defaults,
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

test("the zone defaults to the UTC preference, and the query overrides it", () => {
  zone.value = "utc";
  expect(viewOf({}).zone).toBe("UTC");
  expect(viewOf({ zone: "Asia/Kolkata" }).zone).toBe("Asia/Kolkata");
  zone.value = "local";
});

test("ranges end now and days begin and end at midnight in the zone", () => {
  expect(requestParams(viewOf({ range: "24h", zone: "UTC" }), NOW)).toEqual({
    from: "2026-11-24T12:34:56.000Z",
    to: "2026-11-25T12:34:56.000Z",
    zone: "UTC",
  });
  // The server rounds outward to whole hours, so the end stays below the 25th hour.
  const day = viewOf({ from: "2026-11-20", to: "2026-11-20", zone: "Europe/Berlin", simulated: "false" });
  expect(requestParams(day, NOW)).toEqual({
    from: "2026-11-19T23:00:00.000Z",
    to: "2026-11-20T22:59:59.000Z",
    zone: "Europe/Berlin",
    simulated: "false",
  });
});
