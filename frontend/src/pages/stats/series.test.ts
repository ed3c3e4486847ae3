import { expect, test } from "vitest";
import type { Statistics } from "../../api/stats";
import { headlineOf } from "./headline";
import { seriesOf, type TabId } from "./series";

const messages = (persons: number, all: number) => ({ persons, all, persons_of_sent: persons, all_of_sent: all });
const unique = (persons: number, all: number) => ({ open: messages(persons, all), click: messages(0, 0) });

function bucket(counts: Record<string, number>, opened: ReturnType<typeof unique> | null = null) {
  return { at: "2026-11-24T00:00:00Z", end: "2026-11-25T00:00:00Z", partial: false, counts, unique: opened };
}

function statistics(buckets: Statistics["buckets"], more: Partial<Statistics> = {}): Statistics {
  const counts: Record<string, number> = {};
  for (const one of buckets)
    for (const [kind, count] of Object.entries(one.counts)) counts[kind] = (counts[kind] ?? 0) + count;
  const [from, to] = ["2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"];
  const bounced = (counts["hard_bounce"] ?? 0) + (counts["soft_bounce"] ?? 0);
  const delivery = { from, to, sent: counts["send"] ?? 0, bounced, is_part: false };
  const previous = { from: "", to: "", counts: {}, delivery, unique: null };
  return { buckets, counts, delivery, previous, unique: null, reasons: [], ...more } as unknown as Statistics;
}

const values = (tab: TabId, stats: Statistics): Record<string, readonly (number | null)[]> =>
  Object.fromEntries(seriesOf(tab, stats).map((series) => [series.id, series.values]));

test("sent and delivered mail are lines of their own, and what never happened has none", () => {
  const stats = statistics([bucket({ send: 4, delivered: 3, soft_bounce: 1 }), bucket({ send: 2, delivered: 2 })]);
  expect(values("volume", stats)).toEqual({ sent: [4, 2], delivered: [3, 2], bounced: [1, 0] });
});

test("a bucket without sent mail has no rate", () => {
  const stats = statistics([bucket({ send: 4, delivered: 3, hard_bounce: 1 }, unique(1, 2)), bucket({ open: 2 })]);
  expect(values("rates", stats)).toMatchObject({ delivery: [0.75, null], bounce: [0.25, null], open: [0.25, null] });
});

test("there is no delivery rate where Mandrill did not tell of deliveries", () => {
  const late = { ...bucket({ send: 5 }), at: "2026-11-25T00:00:00Z" };
  const stats = statistics([bucket({ send: 4, delivered: 3, soft_bounce: 1 }), late]);
  expect(values("rates", stats)["delivery"]).toEqual([0.75, null]);
  const delivery = { ...stats.delivery, is_part: true };
  expect(headlineOf({ ...stats, delivery }).text).toBe("9 messages sent, 1 bounced.");
});

test("machines that opened alone are told from persons", () => {
  const stats = statistics([bucket({ send: 4 }, unique(1, 3)), bucket({ send: 1 })]);
  expect(values("engagement", stats)).toMatchObject({ opened: [1, null], "opened-machines": [2, null] });
});

test("the headline says what became of the mail, and what got worse", () => {
  const counts = { send: 1_000, delivered: 900, hard_bounce: 80 };
  const before = statistics([bucket({ send: 1_000, delivered: 990, hard_bounce: 10 })]);
  const previous = { ...before.previous, counts: before.counts, delivery: before.delivery };
  expect(headlineOf(statistics([bucket(counts)], { previous }))).toEqual({
    text: "1,000 messages sent, 900 delivered, 80 bounced.",
    warning: "Bounces are up by 7.0 points.",
  });
  expect(headlineOf(statistics([bucket(counts)])).warning).toBeNull();
  expect(headlineOf(statistics([bucket({ ...counts, spam: 2 })])).warning).toMatch(
    /^2 spam complaints: 0.20 % of what was sent/,
  );
  expect(headlineOf(statistics([bucket({ open: 3 })])).text).toBe("No mail was sent in this time.");
});
