/** Rates from counts, and how they compare with those of the time before. */

import type { Counts } from "../../api/stats";
import type { Tone } from "../../components/tones";

/** How many events of these kinds. */
export function total(counts: Counts, ...kinds: readonly string[]): number {
  return kinds.reduce((sum, kind) => sum + (Object.hasOwn(counts, kind) ? (counts[kind] ?? 0) : 0), 0);
}

export interface Rate {
  readonly name: string;
  /** How it is reckoned, in words. */
  readonly formula: string;
  readonly part: number;
  readonly whole: number;
  /** Which way is the good one. */
  readonly better: "up" | "down";
}

/** What was sent and neither came back nor was refused: where Mandrill is not asked to tell of deliveries, the best there is. */
function notLost(counts: Counts): number {
  return Math.max(0, total(counts, "send") - total(counts, "hard_bounce", "soft_bounce", "reject"));
}

/** Whether `counts` has sent mail, and nothing of its arrival. */
export function lacksDelivered(...all: readonly Counts[]): boolean {
  return all.every((counts) => total(counts, "delivered") === 0) && all.some((counts) => total(counts, "send") > 0);
}

/** The rates of one time. Two that are compared are reckoned the same way, which `told` chooses: by `delivered`, or without. */
export function ratesOf(counts: Counts, told: boolean): readonly Rate[] {
  const sent = total(counts, "send");
  const of = (name: string, words: string, better: Rate["better"], ...kinds: readonly string[]): Rate => ({
    name,
    formula: `${words} ÷ sent`,
    part: total(counts, ...kinds),
    whole: sent,
    better,
  });
  const delivery = of("Delivery", "delivered", "up", "delivered");
  const guessed = { ...delivery, formula: "(sent − bounced − rejected) ÷ sent", part: notLost(counts) };
  return [
    told ? delivery : guessed,
    of("Bounce", "(hard + soft)", "down", "hard_bounce", "soft_bounce"),
    of("Complaint", "spam complaints", "down", "spam"),
    of("Open", "opens", "up", "open"),
    of("Click", "clicks", "up", "click"),
  ];
}

/** The rate as a number; nothing where nothing was sent. */
export function valueOf(rate: Pick<Rate, "part" | "whole">): number | null {
  return rate.whole > 0 ? rate.part / rate.whole : null;
}

const whole = new Intl.NumberFormat(undefined);
const one = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const two = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export function number(count: number): string {
  return whole.format(count);
}

/** In percent. Complaints are told in hundredths: 0.1 % is where mailbox providers begin to mind. */
export function percent(value: number | null): string {
  if (value === null) return "–";
  const hundred = value * 100;
  if (hundred > 0 && hundred < 0.01) return `< ${two.format(0.01)} %`;
  return `${(hundred > 0 && hundred < 1 ? two : one).format(hundred)} %`;
}

export interface Change {
  /** With its sign; empty where nothing can be compared. */
  readonly text: string;
  /** The same in words, with what it was. */
  readonly words: string;
  readonly tone: Tone;
}

function changed(up: boolean, text: string, before: string, better: Rate["better"] | null): Change {
  const tone = better === null ? "quiet" : (better === "up") === up ? "ok" : "bad";
  return { text: `${up ? "+" : "−"}${text}`, words: `${up ? "up" : "down"} from ${before}`, tone };
}

/** How a rate has changed, in percentage points. */
export function compareRates(now: Rate, before: Rate): Change {
  const [value, was] = [valueOf(now), valueOf(before)];
  if (was === null) return { text: "", words: "no earlier data", tone: "quiet" };
  if (value === null) return { text: "", words: `${percent(was)} before`, tone: "quiet" };
  const points = (value - was) * 100;
  // What rounds to nothing has not changed.
  const shown = (Math.abs(points) < 1 ? two : one).format(Math.abs(points));
  if (Number(Math.abs(points).toFixed(2)) === 0) return { text: "±0", words: `the same as before`, tone: "quiet" };
  return changed(points > 0, `${shown} points`, percent(was), now.better);
}

/** How a count has changed, in percent of what it was. Whether more is good, a count does not say. */
export function compareCounts(now: number, before: number): Change {
  if (now === before) return { text: "±0", words: "the same as before", tone: "quiet" };
  if (before === 0) return { text: "new", words: "none before", tone: "quiet" };
  const ratio = Math.abs(now - before) / before;
  return changed(now > before, ratio < 0.001 ? `< ${one.format(0.1)} %` : percent(ratio), number(before), null);
}
