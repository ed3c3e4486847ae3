import { expect, test } from "vitest";
import { zone } from "../../preferences";
import { browserZone } from "../../times/format";
import { queryOf, requestParams, viewOf } from "./view";

const NOW = Date.parse("2026-11-25T12:34:56Z");

test("the query determines the view and invalid parameters are ignored", () => {
  const defaults = {
    range: "7d",
    days: null,
    zone: browserZone(),
    step: null,
    time: "received",
    simulated: true,
    zoom: null,
    tab: "volume",
    only: null,
    compare: true,
  };
  expect(viewOf({})).toEqual(defaults);
  const invalid = {
    range: "constructor",
    from: "2026-02-31",
    to: "2026-03-01",
    step: "decade",
    time: "x",
    only: "X?",
    tab: "x",
    zoom: "2026-11-02T00:00:00Z..2026-11-01T00:00:00Z",
  };
  expect(viewOf(invalid)).toEqual(defaults);
  expect(viewOf({ zone: "Mars/Base" }).zone).toBe("UTC");
  const days = viewOf({
    from: "2026-11-20",
    to: "2026-11-01",
    zone: "Asia/Kolkata",
    step: "week",
    time: "occurred",
    simulated: "false",
    zoom: "2026-11-02T00:00:00.000Z..2026-11-03T00:00:00.000Z",
    tab: "rates",
    only: "bounce",
    compare: "false",
  });
  expect(days).toEqual({
    range: null,
    days: ["2026-11-01", "2026-11-20"],
    zone: "Asia/Kolkata",
    step: "week",
    time: "occurred",
    simulated: false,
    zoom: [Date.UTC(2026, 10, 2), Date.UTC(2026, 10, 3)],
    tab: "rates",
    only: "bounce",
    compare: false,
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

test("ranges consist of whole hours, days or months and end now, or with the day before", () => {
  expect(requestParams(viewOf({ range: "24h", zone: "UTC" }), NOW)).toEqual({
    from: "2026-11-24T13:00:00.000Z",
    to: "2026-11-25T12:34:56.000Z",
    step: "hour",
    zone: "UTC",
  });
  expect(requestParams(viewOf({ range: "24h", zone: "Asia/Kathmandu" }), NOW)).toMatchObject({
    from: "2026-11-24T13:15:00.000Z",
  });
  expect(requestParams(viewOf({ range: "today", zone: "Asia/Kathmandu" }), NOW)).toMatchObject({
    from: "2026-11-24T18:15:00.000Z",
    to: "2026-11-25T12:34:56.000Z",
    step: "hour",
  });
  expect(requestParams(viewOf({ range: "yesterday", zone: "Asia/Kathmandu" }), NOW)).toMatchObject({
    from: "2026-11-23T18:15:00.000Z",
    to: "2026-11-24T18:15:00.000Z",
    step: "hour",
  });
  expect(requestParams(viewOf({ range: "7d", zone: "Asia/Kathmandu" }), NOW)).toMatchObject({
    from: "2026-11-18T18:15:00.000Z",
    step: "day",
  });
  expect(requestParams(viewOf({ range: "12m", zone: "Europe/Berlin", step: "week" }), NOW)).toMatchObject({
    from: "2025-11-30T23:00:00.000Z",
    step: "week",
  });
  const zoomed = { range: "30d", zone: "UTC", zoom: "2026-11-02T00:00:00Z..2026-11-02T06:00:00Z" };
  expect(requestParams(viewOf(zoomed), NOW)).toEqual({
    from: "2026-11-02T00:00:00.000Z",
    to: "2026-11-02T06:00:00.000Z",
    zone: "UTC",
    step: "quarter",
  });
  const day = viewOf({ from: "2026-11-20", to: "2026-11-20", zone: "Europe/Berlin", simulated: "false" });
  expect(requestParams(day, NOW)).toEqual({
    from: "2026-11-19T23:00:00.000Z",
    to: "2026-11-20T23:00:00.000Z",
    zone: "Europe/Berlin",
    simulated: "false",
  });
});
