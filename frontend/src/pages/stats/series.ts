/** What the chart can show: tabs of series, and their values by bucket. */

import type { Counts, Statistics } from "../../api/stats";
import type { Tone } from "../../components/tones";
import { bucketRates, type CourseInput, formatCount, formatPercent, ratesOf, tellsOfDeliveries, total } from "./rates";
import { texts } from "./texts";

export interface Series {
  readonly id: string;
  readonly name: string;
  readonly tone: Tone;
  /** Whether the line is dashed, to tell it from another line of the same colour. */
  readonly dashed?: true;
  /** Null where the value is unknown. */
  readonly values: readonly (number | null)[];
  /** The number for the whole period, as text. */
  readonly sum: string;
}

export interface Tab {
  readonly id: TabId;
  readonly name: string;
  readonly format: (value: number) => string;
}

export type TabId = "volume" | "rates" | "engagement";

export const TABS: readonly Tab[] = [
  { id: "volume", name: texts.volume, format: formatCount },
  { id: "rates", name: texts.rates, format: formatPercent },
  { id: "engagement", name: texts.engagement, format: formatCount },
];

/** Sent and delivered mail is the same mail, so these lines are never added up. */
const VOLUME: readonly (readonly [id: string, name: string, tone: Tone, kinds: readonly string[], dashed?: true])[] = [
  ["sent", texts.sent, "quiet", ["send"]],
  ["delivered", texts.delivered, "ok", ["delivered"]],
  ["deferred", texts.deferred, "warn", ["deferral"]],
  ["bounced", texts.bouncedHardAndSoft, "bad", ["hard_bounce", "soft_bounce"]],
  ["rejected", texts.rejected, "bad", ["reject"], true],
  ["spam", texts.spamComplaints2, "warn", ["spam"], true],
  ["inbound", texts.inbound, "engaged", ["inbound"], true],
];

/** By the id of the rate. */
const RATE_STYLES: Readonly<Record<string, Pick<Series, "tone" | "dashed">>> = {
  delivery: { tone: "ok" },
  bounce: { tone: "bad" },
  complaint: { tone: "warn", dashed: true },
  open: { tone: "engaged" },
  click: { tone: "engaged", dashed: true },
};

type Unique = NonNullable<Statistics["unique"]>;

const ENGAGEMENT: readonly (readonly [
  id: string,
  name: string,
  tone: Tone,
  count: (unique: Unique) => number,
  dashed?: true,
])[] = [
  ["opened", texts.openedByPeople, "engaged", ({ open }) => open.persons],
  ["clicked", texts.clickedByPeople, "ok", ({ click }) => click.persons],
  ["opened-machines", texts.openedByMachinesAlone, "quiet", ({ open }) => open.all - open.persons],
  ["clicked-machines", texts.clickedByMachinesAlone, "quiet", ({ click }) => click.all - click.persons, true],
];

type SeriesInput = CourseInput & Pick<Statistics, "unique">;

/** The series of a tab. */
export function seriesOf(tab: TabId, stats: SeriesInput): Series[] {
  if (tab === "rates") return rateSeries(stats);
  if (tab === "engagement") return engagementSeries(stats);
  return VOLUME.flatMap(([id, name, tone, kinds, dashed]) => {
    const count = (counts: Counts): number => total(counts, ...kinds);
    // Lines of what never happens would only fill the legend.
    if (count(stats.counts) === 0 && id !== "sent" && id !== "bounced") return [];
    const values = stats.buckets.map(({ counts }) => count(counts));
    return { id, name, tone, ...(dashed && { dashed }), values, sum: formatCount(count(stats.counts)) };
  });
}

function rateSeries(stats: SeriesInput): Series[] {
  const course = bucketRates(stats);
  return ratesOf(stats, tellsOfDeliveries(stats)).map(({ id, name }, at) => {
    const values = course.map((rates) => rates[at] ?? null);
    return { id, name, ...(RATE_STYLES[id] ?? { tone: "quiet" }), values, sum: "" };
  });
}

function engagementSeries({ buckets, unique }: Pick<Statistics, "buckets" | "unique">): Series[] {
  const known = ENGAGEMENT.filter(([, , , count]) => !unique || count(unique) > 0);
  return (known.length > 0 ? known : ENGAGEMENT.slice(0, 2)).map(([id, name, tone, count, dashed]) => ({
    id,
    name,
    tone,
    ...(dashed && { dashed }),
    values: buckets.map((bucket) => (bucket.unique ? count(bucket.unique) : null)),
    sum: unique ? formatCount(count(unique)) : "–",
  }));
}
