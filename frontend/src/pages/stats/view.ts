/** Of which time statistics are shown, and in which zone; the address says it, so that it can be kept and sent. */

import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { Tone } from "../../components/tones";
import { zone as chosenZone } from "../../preferences";
import { SERIES } from "./chart";
import { isZone, momentOf } from "./zone";

export interface View {
  /** One of `RANGES`, or none when two days are named. */
  readonly range: string | null;
  /** The first and the last day, as `2026-01-31`. */
  readonly days: readonly [string, string] | null;
  readonly zone: string;
  /** Whether simulated events count too. */
  readonly simulated: boolean;
  /** The one series of the chart that is looked at. */
  readonly only: Tone | null;
}

const HOUR = 3_600_000;

/** Lengths, in hours. */
export const RANGES: Readonly<Record<string, { readonly name: string; readonly hours: number }>> = {
  "24h": { name: "Last 24 hours", hours: 24 },
  "7d": { name: "Last 7 days", hours: 7 * 24 },
  "30d": { name: "Last 30 days", hours: 30 * 24 },
  "90d": { name: "Last 90 days", hours: 90 * 24 },
  "12m": { name: "Last 12 months", hours: 365 * 24 },
};
export const USUAL = "7d";

/** The reader's own zone. */
export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** A day as `Date`, at midnight UTC. */
function day(text: unknown): Date | null {
  if (typeof text !== "string" || !/^\d{4}-\d\d-\d\d$/.test(text)) return null;
  const at = new Date(`${text}T00:00:00Z`);
  // `2026-02-31` would be read as a day in March.
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? at : null;
}

/** That in which the reader is told times elsewhere. */
function usualZone(): string {
  return chosenZone.value === "utc" ? "UTC" : ownZone();
}

export function viewOf(query: LocationQuery): View {
  const { range, from, to, zone, simulated, only } = query;
  const isRange = typeof range === "string" && Object.hasOwn(RANGES, range);
  const days = !isRange && day(from) && day(to) ? ([`${from}`, `${to}`] as const) : null;
  return {
    range: isRange ? range : days ? null : USUAL,
    days: days && days[0] > days[1] ? [days[1], days[0]] : days,
    zone: typeof zone === "string" && isZone(zone) ? zone : usualZone(),
    simulated: simulated !== "false",
    only: SERIES.find(({ tone }) => tone === only)?.tone ?? null,
  };
}

/** The query of a view. It always says the zone, so that a link shows everybody the same. */
export function queryOf({ range, days, zone, simulated, only }: View): LocationQueryRaw {
  return {
    ...(days ? { from: days[0], to: days[1] } : { range: range ?? USUAL }),
    zone,
    ...(simulated ? {} : { simulated: "false" }),
    ...(only ? { only } : {}),
  };
}

/** What to ask the server for, as of `now`. */
export function questionOf(view: View, now: number): Record<string, string> {
  const [first, last] = [day(view.days?.[0]), day(view.days?.[1])];
  const hours = RANGES[view.range ?? USUAL]?.hours ?? 0;
  let [from, to] = [now - hours * HOUR, now];
  if (first && last) {
    last.setUTCDate(last.getUTCDate() + 1);
    // An hour that has begun counts whole, so one that only ends there must not.
    [from, to] = [momentOf(first, view.zone), momentOf(last, view.zone) - 1_000];
  }
  return {
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    zone: view.zone,
    ...(view.simulated ? {} : { simulated: "false" }),
  };
}
