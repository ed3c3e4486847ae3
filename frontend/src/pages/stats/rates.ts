/** Computes rates from counts, and compares them with the previous period. */

import type { Counts, Statistics } from "../../api/stats";
import type { Tone } from "../../components/tones";
import { texts } from "./texts";

/** The number of events of the given kinds. */
export function total(counts: Counts, ...kinds: readonly string[]): number {
  return kinds.reduce((sum, kind) => sum + (Object.hasOwn(counts, kind) ? (counts[kind] ?? 0) : 0), 0);
}

/** What the rates of a period are computed from. */
export type RateInput = Pick<Statistics["previous"], "counts" | "delivery" | "unique">;

export interface Rate {
  readonly id: string;
  readonly name: string;
  /** A description of how the rate is computed. */
  readonly formula: string;
  /** Null if it is unknown. */
  readonly part: number | null;
  readonly whole: number;
  /** The direction that represents an improvement. */
  readonly better: "up" | "down";
}

/** Whether the periods contain sent mail but no `delivered` event. */
export function lacksDelivered(...periods: readonly Counts[]): boolean {
  return (
    periods.every((counts) => total(counts, "delivered") === 0) && periods.some((counts) => total(counts, "send") > 0)
  );
}

/**
 * The rates of one period. Without `delivered` events, the delivery rate is an estimate: mail that did not bounce. Mandrill sends no mail
 * that it rejects, so rejections are no part of it. Compared periods must use the same value of `hasDelivered`.
 */
export function ratesOf({ counts, delivery, unique }: RateInput, hasDelivered: boolean): readonly Rate[] {
  const sent = total(counts, "send");
  const bounced = total(counts, "hard_bounce", "soft_bounce");
  const rate = (name: string, numerator: string, better: Rate["better"], part: number | null): Rate => ({
    id: name.toLowerCase(),
    name,
    formula: `${numerator} ÷ sent`,
    part,
    whole: sent,
    better,
  });
  // What was sent before the period and arrived in it would make more than all of what was sent.
  const formula = "delivered ÷ (delivered + bounced)";
  const delivered = {
    ...rate(texts.delivery, "delivered", "up", total(counts, "delivered")),
    formula: delivery.is_part ? texts.whileMandrillToldOf(formula) : formula,
    whole: total(counts, "delivered") + delivery.bounced,
  };
  const estimated = rate(texts.delivery, "(sent − bounced)", "up", Math.max(0, sent - bounced));
  return [
    hasDelivered ? delivered : estimated,
    rate(texts.bounce, "(hard + soft)", "down", bounced),
    rate(texts.complaint, texts.spamComplaints, "down", total(counts, "spam")),
    rate(texts.open, texts.messagesOpenedByPeople, "up", unique?.open.persons_of_sent ?? null),
    rate(texts.click, texts.messagesClickedByPeople, "up", unique?.click.persons_of_sent ?? null),
  ];
}

/** What the course of the rates is computed from. */
export type CourseInput = Pick<Statistics, "buckets" | "counts" | "delivery" | "previous">;

/** Whether Mandrill tells of deliveries in the period or the one before. Without any, the delivery rate is an estimate. */
export function tellsOfDeliveries({ counts, previous }: Pick<Statistics, "counts" | "previous">): boolean {
  return !lacksDelivered(counts, previous.counts);
}

/**
 * The rates of each bucket, in the order of `ratesOf`. Opens and clicks count in the bucket in which they happen. The delivery rate is null where
 * Mandrill did not tell of deliveries.
 */
export function bucketRates(stats: CourseInput): (number | null)[][] {
  const hasDelivered = tellsOfDeliveries(stats);
  const [from, to] = [stats.delivery.from, stats.delivery.to].map((at) => (at === null ? NaN : Date.parse(at)));
  return stats.buckets.map(({ at, counts, unique }) => {
    const [sent, bounced] = [total(counts, "send"), total(counts, "hard_bounce", "soft_bounce")];
    const delivery = { from: null, to: null, sent, bounced, is_part: false };
    const [delivered = null, ...others] = ratesOf({ counts, unique, delivery }, hasDelivered).map(valueOf);
    const isCovered = Date.parse(at) >= (from ?? NaN) && Date.parse(at) < (to ?? NaN);
    return [hasDelivered && !isCovered ? null : delivered, ...others];
  });
}

/**
 * The rate as a number; null if nothing was sent, the part is unknown, or most of it is of mail that was sent before: more than the whole is no
 * share.
 */
export function valueOf({ part, whole }: Pick<Rate, "part" | "whole">): number | null {
  return whole > 0 && part !== null && part <= whole ? part / whole : null;
}

const integer = new Intl.NumberFormat(undefined);
const oneDecimal = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const twoDecimals = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export function formatCount(count: number): string {
  return integer.format(count);
}

/** Formats a rate as a percentage. Rates below 1 % have two decimals: mailbox providers react to complaint rates from 0.1 %. */
export function formatPercent(value: number | null): string {
  if (value === null) return "–";
  const hundred = value * 100;
  if (hundred > 0 && hundred < 0.01) return `< ${twoDecimals.format(0.01)} %`;
  return `${(hundred > 0 && hundred < 1 ? twoDecimals : oneDecimal).format(hundred)} %`;
}

export interface Change {
  /** The signed difference; empty if there is nothing to compare. */
  readonly text: string;
  /** A description of the change, including the previous value. */
  readonly description: string;
  readonly tone: Tone;
}

function changeOf(up: boolean, text: string, before: string, better: Rate["better"] | null): Change {
  const tone = better === null ? "quiet" : (better === "up") === up ? "ok" : "bad";
  return { text: `${up ? "+" : "−"}${text}`, description: texts.from(before), tone };
}

/** Compares two rates in percentage points. */
export function compareRates(now: Rate, before: Rate): Change {
  const [value, was] = [valueOf(now), valueOf(before)];
  if (was === null) return { text: "", description: texts.noEarlierData, tone: "quiet" };
  if (value === null) return { text: "", description: `${formatPercent(was)} before`, tone: "quiet" };
  const points = (value - was) * 100;
  // A change that rounds to zero counts as no change.
  const shown = (Math.abs(points) < 1 ? twoDecimals : oneDecimal).format(Math.abs(points));
  if (Number(Math.abs(points).toFixed(2)) === 0)
    return { text: "±0", description: texts.theSameAsBefore, tone: "quiet" };
  return changeOf(points > 0, `${shown} points`, formatPercent(was), now.better);
}

/** Compares two counts as a percentage of the previous one. The tone is neutral, because more events are neither good nor bad. */
export function compareCounts(now: number, before: number): Change {
  if (now === before) return { text: "±0", description: texts.theSameAsBefore, tone: "quiet" };
  if (before === 0) return { text: "new", description: texts.noneBefore, tone: "quiet" };
  const ratio = Math.abs(now - before) / before;
  return changeOf(
    now > before,
    ratio < 0.001 ? `< ${oneDecimal.format(0.1)} %` : formatPercent(ratio),
    formatCount(before),
    null,
  );
}
