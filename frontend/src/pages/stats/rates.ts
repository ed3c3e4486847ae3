/** Computes rates from counts, and compares them with the previous period. */

import type { Counts } from "../../api/stats";
import type { Tone } from "../../components/tones";

/** The number of events of the given kinds. */
export function total(counts: Counts, ...kinds: readonly string[]): number {
  return kinds.reduce((sum, kind) => sum + (Object.hasOwn(counts, kind) ? (counts[kind] ?? 0) : 0), 0);
}

export interface Rate {
  readonly name: string;
  /** A description of how the rate is computed. */
  readonly formula: string;
  readonly part: number;
  readonly whole: number;
  /** The direction that represents an improvement. */
  readonly better: "up" | "down";
}

/** Mail that neither bounced nor was rejected: the best estimate if the webhook does not subscribe to `delivered` events. */
function presumedDelivered(counts: Counts): number {
  return Math.max(0, total(counts, "send") - total(counts, "hard_bounce", "soft_bounce", "reject"));
}

/** Whether the periods contain sent mail but no `delivered` event. */
export function lacksDelivered(...periods: readonly Counts[]): boolean {
  return (
    periods.every((counts) => total(counts, "delivered") === 0) && periods.some((counts) => total(counts, "send") > 0)
  );
}

/**
 * The rates of one period. Without `delivered` events, the delivery rate is an estimate. Compared periods must use the same value
 * of `hasDelivered`.
 */
export function ratesOf(counts: Counts, hasDelivered: boolean): readonly Rate[] {
  const sent = total(counts, "send");
  const rate = (name: string, numerator: string, better: Rate["better"], ...kinds: readonly string[]): Rate => ({
    name,
    formula: `${numerator} ÷ sent`,
    part: total(counts, ...kinds),
    whole: sent,
    better,
  });
  const delivery = rate("Delivery", "delivered", "up", "delivered");
  const estimated = { ...delivery, formula: "(sent − bounced − rejected) ÷ sent", part: presumedDelivered(counts) };
  return [
    hasDelivered ? delivery : estimated,
    rate("Bounce", "(hard + soft)", "down", "hard_bounce", "soft_bounce"),
    rate("Complaint", "spam complaints", "down", "spam"),
    rate("Open", "opens", "up", "open"),
    rate("Click", "clicks", "up", "click"),
  ];
}

/** The rate as a number; null if nothing was sent. */
export function valueOf(rate: Pick<Rate, "part" | "whole">): number | null {
  return rate.whole > 0 ? rate.part / rate.whole : null;
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
  return { text: `${up ? "+" : "−"}${text}`, description: `${up ? "up" : "down"} from ${before}`, tone };
}

/** Compares two rates in percentage points. */
export function compareRates(now: Rate, before: Rate): Change {
  const [value, was] = [valueOf(now), valueOf(before)];
  if (was === null) return { text: "", description: "no earlier data", tone: "quiet" };
  if (value === null) return { text: "", description: `${formatPercent(was)} before`, tone: "quiet" };
  const points = (value - was) * 100;
  // A change that rounds to zero counts as no change.
  const shown = (Math.abs(points) < 1 ? twoDecimals : oneDecimal).format(Math.abs(points));
  if (Number(Math.abs(points).toFixed(2)) === 0)
    return { text: "±0", description: "the same as before", tone: "quiet" };
  return changeOf(points > 0, `${shown} points`, formatPercent(was), now.better);
}

/** Compares two counts as a percentage of the previous one. The tone is neutral, because more events are neither good nor bad. */
export function compareCounts(now: number, before: number): Change {
  if (now === before) return { text: "±0", description: "the same as before", tone: "quiet" };
  if (before === 0) return { text: "new", description: "none before", tone: "quiet" };
  const ratio = Math.abs(now - before) / before;
  return changeOf(
    now > before,
    ratio < 0.001 ? `< ${oneDecimal.format(0.1)} %` : formatPercent(ratio),
    formatCount(before),
    null,
  );
}
