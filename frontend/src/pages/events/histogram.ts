/** The bars of the chart: what came in each stretch of time, by what it means. */

import type { Histogram, MailEvent } from "../../api/types";
import type { Tone } from "../../components/tones";
import { counted } from "../../words";
import { lookOf } from "./kinds";

/** From the base up: what is bad stands on the base, where it can be compared. */
export const STACK: readonly Tone[] = ["bad", "warn", "engaged", "ok", "quiet"];

export interface Bar {
  readonly begin: number;
  readonly end: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly total: number;
}

/** Every stretch, also those in which nothing came. */
export function barsOf({ from, to, step, buckets }: Histogram): Bar[] {
  const [first, width] = [Date.parse(from), step * 1000];
  const byBegin = new Map(buckets.map(({ at, kinds }) => [Date.parse(at), kinds]));
  return Array.from({ length: Math.round((Date.parse(to) - first) / width) }, (_, n) => {
    const begin = first + n * width;
    const kinds = byBegin.get(begin) ?? {};
    return { begin, end: begin + width, kinds, total: sum(Object.values(kinds)) };
  });
}

export interface Piece {
  readonly tone: Tone;
  readonly y: number;
  readonly height: number;
}

/** A bar's pieces, of `most` events at full `height`. What is bad is seen however little it is. */
export function piecesOf(bar: Bar, most: number, height: number): Piece[] {
  const counts = new Map<Tone, number>();
  for (const [kind, count] of Object.entries(bar.kinds)) {
    const { tone } = lookOf(kind);
    counts.set(tone, (counts.get(tone) ?? 0) + count);
  }
  let y = height;
  return STACK.flatMap((tone) => {
    const count = counts.get(tone) ?? 0;
    if (count === 0) return [];
    const own = Math.min(y, Math.max((count / most) * height, tone === "bad" ? 2 : 0.75));
    y -= own;
    return { tone, y, height: own };
  });
}

const MOMENT = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" } as const;
const moment = new Intl.DateTimeFormat(undefined, MOMENT);
const momentOfAnyYear = new Intl.DateTimeFormat(undefined, { ...MOMENT, year: "numeric" });
/** Kinds that are counted one by one; the rest is told by how many there are. */
const MOST_KINDS = 5;

/** When the bars from one to another are; the year is told where it is not this one. */
export function whenOf(first: Bar, last: Bar): string {
  const year = new Date().getFullYear();
  const isThisYear = [first.begin, last.end].every((at) => new Date(at).getFullYear() === year);
  return (isThisYear ? moment : momentOfAnyYear).formatRange(first.begin, last.end);
}

/** What came in these bars: `12 events: 7 opened, 5 sent`. */
export function whatOf(bars: readonly Bar[]): string {
  const counts = new Map<string, number>();
  for (const { kinds } of bars)
    for (const [kind, count] of Object.entries(kinds)) counts.set(kind, (counts.get(kind) ?? 0) + count);
  const parts = [...counts].sort(([, one], [, other]) => other - one);
  const said = parts
    .slice(0, MOST_KINDS)
    .map(([kind, count]) => `${count.toLocaleString()} ${lookOf(kind).word.toLowerCase()}`);
  const rest = sum(parts.slice(MOST_KINDS).map(([, count]) => count));
  if (rest > 0) said.push(`${rest.toLocaleString()} of other kinds`);
  const total = sum(counts.values());
  return total === 0 ? "no events" : `${counted(total, "event")}: ${said.join(", ")}`;
}

/** The chart with what came since, and whether all of that has a place in it. */
export function withEvents(chart: Histogram, events: readonly MailEvent[]): { chart: Histogram; fits: boolean } {
  const [from, to, width] = [Date.parse(chart.from), Date.parse(chart.to), chart.step * 1000];
  const byBegin = new Map(chart.buckets.map(({ at, kinds }) => [Date.parse(at), { ...kinds }]));
  let fits = true;
  for (const { kind, received_at } of events) {
    const at = Date.parse(received_at);
    if (at >= to) fits = false;
    if (at < from || at >= to) continue;
    const begin = at - ((at - from) % width);
    const kinds = byBegin.get(begin) ?? {};
    byBegin.set(begin, { ...kinds, [kind]: (kinds[kind] ?? 0) + 1 });
  }
  const buckets = [...byBegin].map(([begin, kinds]) => ({ at: new Date(begin).toISOString(), kinds }));
  return { chart: { ...chart, buckets }, fits };
}

export function sum(numbers: Iterable<number>): number {
  let all = 0;
  for (const one of numbers) all += one;
  return all;
}
