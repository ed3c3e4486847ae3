import { expect, test } from "vitest";
import type { MailEvent } from "../../api/types";
import { zone } from "../../preferences";
import { daysOf, lineAt, lineOf } from "./days";

zone.value = "utc";
const received = (...times: string[]): MailEvent[] => times.map((received_at) => ({ received_at }) as MailEvent);

test("events are grouped by the day of their receipt, and every line is either an event or the name of a day", () => {
  const events = received(
    "2026-11-29T10:00:00Z",
    "2026-11-29T00:00:00Z",
    "2026-11-28T23:59:59.9Z",
    "2026-11-01T12:00:00Z",
    "2026-11-01T11:00:00Z",
  );
  const days = daysOf(events);
  expect(days.map(({ at, first }) => [new Date(at).toISOString().slice(0, 10), first])).toEqual([
    ["2026-11-29", 0],
    ["2026-11-28", 2],
    ["2026-11-01", 3],
  ]);
  const lines = Array.from({ length: events.length + days.length }, (_, line) => lineAt(days, line).index);
  expect(lines).toEqual([null, 0, 1, null, 2, null, 3, 4]);
  for (const [line, index] of lines.entries()) if (index !== null) expect(lineOf(days, index)).toBe(line);
});

test("an empty list has no days", () => {
  expect(daysOf([])).toEqual([]);
  expect(lineAt([], 0)).toEqual({ day: undefined, index: 0 });
});
