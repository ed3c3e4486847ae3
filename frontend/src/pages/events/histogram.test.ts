import { expect, test } from "vitest";
import type { Histogram, MailEvent } from "../../api/types";
import { addEvents, barsOf, describeCounts, segmentsOf } from "./histogram";

const chart: Histogram = {
  from: "2026-11-25T10:00:00Z",
  is_complete: true,
  to: "2026-11-25T11:00:00Z",
  step: 900,
  buckets: [
    { at: "2026-11-25T10:15:00Z", kinds: { open: 3, send: 5 } },
    { at: "2026-11-25T10:45:00Z", kinds: { hard_bounce: 1, click: 1 } },
  ],
};
const event = (kind: string, received_at: string): MailEvent => ({ kind, received_at }) as MailEvent;

test("every bucket has a bar, including empty ones", () => {
  expect(barsOf(chart).map(({ total }) => total)).toEqual([0, 8, 0, 2]);
  expect(describeCounts(barsOf(chart))).toBe("10 events: 5 sent, 3 opened, 1 bounced, 1 clicked");
  expect(describeCounts(barsOf(chart).slice(0, 1))).toBe("no events");
});

test("failures are stacked at the base with a visible minimum height", () => {
  const bar = { begin: 0, end: 1, kinds: { open: 500, click: 100, hard_bounce: 1 }, total: 601 };
  const segments = segmentsOf(bar, 601, 48);
  expect(segments.map(({ tone }) => tone)).toEqual(["bad", "engaged"]);
  expect(segments[0]).toEqual({ tone: "bad", y: 46, height: 2 });
  expect((segments[1]?.y ?? -1) >= 0).toBe(true);
});

test("live events are counted in their bucket, and events after the end of the chart are reported", () => {
  const live = [
    event("open", "2026-11-25T10:59:59.9Z"),
    event("open", "2026-11-25T10:20:00Z"),
    event("send", "2026-11-25T09:00:00Z"),
  ];
  const counted = addEvents(chart, live);
  expect(counted.fits).toBe(true);
  expect(barsOf(counted.chart).map(({ total }) => total)).toEqual([0, 9, 0, 3]);
  expect(barsOf(chart).map(({ total }) => total)).toEqual([0, 8, 0, 2]);
  expect(addEvents(chart, [event("open", "2026-11-25T11:00:00Z")]).fits).toBe(false);
});
