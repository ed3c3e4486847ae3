import { expect, test } from "vitest";
import {
  compareCounts,
  compareRates,
  formatPercent,
  lacksDelivered,
  type Rate,
  type RateInput,
  ratesOf,
  valueOf,
} from "./rates";

const messages = (persons: number, all: number) => ({ persons, all, persons_of_sent: persons, all_of_sent: all });
const unique = { open: messages(30, 80), click: messages(10, 12) };

function input(counts: Record<string, number>, more: Partial<RateInput> = {}): RateInput {
  const sent = counts["send"] ?? 0;
  const bounced = (counts["hard_bounce"] ?? 0) + (counts["soft_bounce"] ?? 0);
  return { counts, unique, delivery: { from: null, to: null, sent, bounced, is_part: false }, ...more };
}

const parts = (rates: RateInput, hasDelivered = true): Record<string, number | null> =>
  Object.fromEntries(ratesOf(rates, hasDelivered).map((rate) => [rate.name, valueOf(rate)]));

function rate(part: number, whole: number, better: Rate["better"] = "up"): Rate {
  return { id: "open", name: "Open", formula: "", part, whole, better };
}

test("rates are relative to sent mail, and a message that is opened twice counts once", () => {
  const counts = {
    send: 200,
    delivered: 194,
    hard_bounce: 4,
    soft_bounce: 2,
    spam: 1,
    open: 300,
    click: 50,
    inbound: 9,
  };
  expect(parts(input(counts))).toEqual({ Delivery: 0.97, Bounce: 0.03, Complaint: 0.005, Open: 0.15, Click: 0.05 });
  expect(parts(input(counts, { unique: null }))).toMatchObject({ Open: null, Click: null });
  // More opened messages than sent ones are opens of older mail, and no share.
  const many = { open: messages(9, 9), click: messages(8, 8) };
  expect(parts(input({ send: 8 }, { unique: many }))).toMatchObject({ Open: null, Click: 1 });
  // Of the opened messages, those count that were sent in the same time.
  const older = { ...unique, open: { ...messages(30, 80), persons_of_sent: 20 } };
  expect(parts(input(counts, { unique: older }))["Open"]).toBe(0.1);
  expect(parts(input({ open: 3 }))).toEqual({ Delivery: null, Bounce: null, Complaint: null, Open: null, Click: null });
});

test("deliveries are compared with what bounced while Mandrill told of them, so that they are never more than all", () => {
  const delivery = { from: "2026-01-02T00:00:00Z", to: "2026-01-03T00:00:00Z", sent: 90, bounced: 5, is_part: true };
  const [delivered] = ratesOf(input({ send: 200, delivered: 95, hard_bounce: 40 }, { delivery }), true);
  expect(delivered).toMatchObject({ part: 95, whole: 100, formula: expect.stringContaining("while Mandrill told") });
});

test("without delivered events, the delivery rate is estimated from losses, and rejected mail is no attempt", () => {
  expect(parts(input({ send: 10, hard_bounce: 1, soft_bounce: 1, reject: 5 }), false)["Delivery"]).toBe(0.8);
  expect(parts(input({ send: 2, hard_bounce: 5 }), false)["Delivery"]).toBe(0);
  expect(ratesOf(input({}), false)[0]?.formula).toBe("(sent − bounced) ÷ sent");
  expect(lacksDelivered({ send: 3 }, {})).toBe(true);
  expect(lacksDelivered({ send: 3 }, { send: 3, delivered: 1 })).toBe(false);
  expect(lacksDelivered({}, {})).toBe(false);
});

test("rates below one percent have two decimals", () => {
  const table: readonly (readonly [number | null, string])[] = [
    [null, "–"],
    [0, "0.0 %"],
    [0.00004, "< 0.01 %"],
    [0.0012, "0.12 %"],
    [0.9714, "97.1 %"],
    [1.5, "150.0 %"],
  ];
  for (const [value, text] of table) expect(formatPercent(value), text).toBe(text);
});

test("rates are compared in percentage points, with a description and a tone", () => {
  expect(compareRates(rate(60, 100), rate(50, 100))).toEqual({
    text: "+10.0 points",
    description: "from 50.0 %",
    tone: "ok",
  });
  expect(compareRates(rate(3, 100, "down"), rate(1, 100, "down"))).toMatchObject({ text: "+2.0 points", tone: "bad" });
  expect(compareRates(rate(1, 200, "down"), rate(1, 100, "down"))).toEqual({
    text: "−0.50 points",
    description: "from 1.0 %",
    tone: "ok",
  });
  expect(compareRates(rate(1, 3), rate(2, 6)).description).toBe("the same as before");
  expect(compareRates(rate(100_001, 200_000), rate(1, 2)).description).toBe("the same as before");
  expect(compareRates(rate(1, 3), rate(0, 0))).toMatchObject({ text: "", description: "no earlier data" });
  expect(compareRates(rate(0, 0), rate(1, 2))).toMatchObject({ text: "", description: "50.0 % before" });
});

test("counts are compared in percent of the previous count", () => {
  expect(compareCounts(150, 100)).toEqual({ text: "+50.0 %", description: "from 100", tone: "quiet" });
  expect(compareCounts(1, 4)).toMatchObject({ text: "−75.0 %", description: "from 4" });
  expect(compareCounts(5, 0)).toMatchObject({ text: "new", description: "none before" });
  expect(compareCounts(0, 0).description).toBe("the same as before");
  expect(compareCounts(100_001, 100_000).text).toBe("+< 0.1 %");
});
