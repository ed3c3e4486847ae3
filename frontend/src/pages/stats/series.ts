/** What the chart can show: tabs of series, and their values by bucket. */

import type { Counts, Statistics } from "../../api/stats";
import type { Tone } from "../../components/tones";
import { bucketRates, type CourseInput, formatCount, formatPercent, RATE_NAMES, total } from "./rates";

export type Bucket = Statistics["buckets"][number];

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
  { id: "volume", name: "Volume", format: formatCount },
  { id: "rates", name: "Rates", format: formatPercent },
  { id: "engagement", name: "Engagement", format: formatCount },
];

/** Sent and delivered mail is the same mail, so these lines are never added up. */
const VOLUME: readonly (readonly [id: string, name: string, tone: Tone, kinds: readonly string[], dashed?: true])[] = [
  ["sent", "Sent", "quiet", ["send"]],
  ["delivered", "Delivered", "ok", ["delivered"]],
  ["deferred", "Deferred", "warn", ["deferral"]],
  ["bounced", "Bounced", "bad", ["hard_bounce", "soft_bounce"]],
  ["rejected", "Rejected", "bad", ["reject"], true],
  ["spam", "Spam complaints", "warn", ["spam"], true],
  ["inbound", "Inbound", "engaged", ["inbound"], true],
];

const RATE_TONES: readonly (readonly [tone: Tone, dashed: boolean])[] = [
  ["ok", false],
  ["bad", false],
  ["warn", true],
  ["engaged", false],
  ["engaged", true],
];

type Unique = NonNullable<Statistics["unique"]>;

const ENGAGEMENT: readonly (readonly [
  id: string,
  name: string,
  tone: Tone,
  count: (unique: Unique) => number,
  dashed?: true,
])[] = [
  ["opened", "Opened by persons", "engaged", ({ open }) => open.persons],
  ["clicked", "Clicked by persons", "ok", ({ click }) => click.persons],
  ["opened-machines", "Opened by machines alone", "quiet", ({ open }) => open.all - open.persons],
  ["clicked-machines", "Clicked by machines alone", "quiet", ({ click }) => click.all - click.persons, true],
];

/** The series of a tab. `hasDelivered` tells whether Mandrill tells of deliveries at all. */
export function seriesOf(tab: TabId, stats: CourseInput & Pick<Statistics, "unique">): Series[] {
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

function rateSeries(stats: CourseInput): Series[] {
  const rates = bucketRates(stats);
  return RATE_NAMES.map((name, at) => {
    const [tone, dashed] = RATE_TONES[at] ?? ["quiet", false];
    const values = rates.map((one) => one[at] ?? null);
    return { id: name.toLowerCase(), name, tone, ...(dashed && { dashed: true as const }), values, sum: "" };
  });
}

function engagementSeries({ buckets, unique }: Pick<Statistics, "buckets" | "unique">): Series[] {
  return ENGAGEMENT.map(([id, name, tone, count, dashed]) => ({
    id,
    name,
    tone,
    ...(dashed && { dashed }),
    values: buckets.map((bucket) => (bucket.unique ? count(bucket.unique) : null)),
    sum: unique ? formatCount(count(unique)) : "–",
  }));
}
