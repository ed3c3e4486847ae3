/** The period and zone of the statistics. The view is stored in the URL query, so that it can be bookmarked and shared. */

import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { Tone } from "../../components/tones";
import { zone as chosenZone } from "../../preferences";
import { SERIES } from "./chart";
import { instantOf, isZone } from "./zone";

export interface View {
  /** A key of `RANGES`; null if `days` is set. */
  readonly range: string | null;
  /** The first and last day, inclusive, as `2026-01-31`. */
  readonly days: readonly [string, string] | null;
  readonly zone: string;
  /** Whether simulated events are included. */
  readonly simulated: boolean;
  /** The only series shown in the chart; null shows all. */
  readonly only: Tone | null;
}

const HOUR = 3_600_000;

export const RANGES: Readonly<Record<string, { readonly name: string; readonly hours: number }>> = {
  "24h": { name: "Last 24 hours", hours: 24 },
  "7d": { name: "Last 7 days", hours: 7 * 24 },
  "30d": { name: "Last 30 days", hours: 30 * 24 },
  "90d": { name: "Last 90 days", hours: 90 * 24 },
  "12m": { name: "Last 12 months", hours: 365 * 24 },
};
export const DEFAULT_RANGE = "7d";

/** The time zone of the browser. */
export function browserZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** Parses a day as midnight UTC; null if it is invalid. */
function parseDay(text: unknown): Date | null {
  if (typeof text !== "string" || !/^\d{4}-\d\d-\d\d$/.test(text)) return null;
  const at = new Date(`${text}T00:00:00Z`);
  // `Date` reads `2026-02-31` as a day in March.
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? at : null;
}

/** The time zone in which times are displayed on other pages. */
function defaultZone(): string {
  return chosenZone.value === "utc" ? "UTC" : browserZone();
}

export function viewOf(query: LocationQuery): View {
  const { range, from, to, zone, simulated, only } = query;
  const isRange = typeof range === "string" && Object.hasOwn(RANGES, range);
  const days = !isRange && parseDay(from) && parseDay(to) ? ([`${from}`, `${to}`] as const) : null;
  return {
    range: isRange ? range : days ? null : DEFAULT_RANGE,
    days: days && days[0] > days[1] ? [days[1], days[0]] : days,
    zone: typeof zone === "string" && isZone(zone) ? zone : defaultZone(),
    simulated: simulated !== "false",
    only: SERIES.find(({ tone }) => tone === only)?.tone ?? null,
  };
}

/** The query of a view. It always includes the zone, so that a shared link shows the same data to every user. */
export function queryOf({ range, days, zone, simulated, only }: View): LocationQueryRaw {
  return {
    ...(days ? { from: days[0], to: days[1] } : { range: range ?? DEFAULT_RANGE }),
    zone,
    ...(simulated ? {} : { simulated: "false" }),
    ...(only ? { only } : {}),
  };
}

/** The parameters of the request for statistics, as of `now`. */
export function requestParams(view: View, now: number): Record<string, string> {
  const [first, last] = [parseDay(view.days?.[0]), parseDay(view.days?.[1])];
  const hours = RANGES[view.range ?? DEFAULT_RANGE]?.hours ?? 0;
  let [from, to] = [now - hours * HOUR, now];
  if (first && last) {
    last.setUTCDate(last.getUTCDate() + 1);
    // The server rounds up to whole hours, so the end must lie within the last hour.
    [from, to] = [instantOf(first, view.zone), instantOf(last, view.zone) - 1_000];
  }
  return {
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    zone: view.zone,
    ...(view.simulated ? {} : { simulated: "false" }),
  };
}
