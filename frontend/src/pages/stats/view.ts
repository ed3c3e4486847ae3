/** The period and zone of the statistics. The view is stored in the URL query, so that it can be bookmarked and shared. */

import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { Statistics, Step } from "../../api/stats";
import { shownZone } from "../../times/format";
import { type TabId, TABS } from "./series";
import { instantOf, isZone, startOf, wallClockAt } from "../../times/zone";
import { texts } from "./texts";

export interface View {
  /** A key of `RANGES`; null if `days` is set. */
  readonly range: string | null;
  /** The first and last day, inclusive, as `2026-01-31`. */
  readonly days: readonly [string, string] | null;
  readonly zone: string;
  /** The width of the bars; null if it follows from the period. */
  readonly step: Step | null;
  /** Which time of the events counts. */
  readonly time: Statistics["time"];
  /** Whether simulated events are included. */
  readonly simulated: boolean;
  /** A part of the period that the user chose in the chart, in milliseconds; null for the whole period. */
  readonly zoom: readonly [from: number, to: number] | null;
  readonly tab: TabId;
  /** The only series shown in the chart; null shows all. */
  readonly only: string | null;
  /** Whether the chart also shows the time before. */
  readonly compare: boolean;
}

const HOUR = 3_600_000;

interface Range {
  readonly name: string;
  readonly unit: "hour" | "day" | "month";
  readonly units: number;
  /** Whether the range ends before the present unit, which is not over yet. */
  readonly isOver?: true;
  /** The width of a bar. */
  readonly step: "hour" | "day" | "month";
}

/** Hours, days and months are whole ones, up to the present one. */
export const RANGES: Readonly<Record<string, Range>> = {
  today: { name: texts.today, unit: "day", units: 1, step: "hour" },
  yesterday: { name: texts.yesterday, unit: "day", units: 1, isOver: true, step: "hour" },
  "24h": { name: "24 hours", unit: "hour", units: 24, step: "hour" },
  "7d": { name: "7 days", unit: "day", units: 7, step: "day" },
  "14d": { name: "14 days", unit: "day", units: 14, step: "day" },
  "30d": { name: "30 days", unit: "day", units: 30, step: "day" },
  "90d": { name: "90 days", unit: "day", units: 90, step: "day" },
  "12m": { name: "12 months", unit: "month", units: 12, step: "month" },
};
/** The widths of bars that can be chosen. */
export const STEPS: readonly Step[] = ["quarter", "hour", "day", "week", "month"];
export const DEFAULT_RANGE = "7d";

/** Parses a day as midnight UTC; null if it is invalid. */
function parseDay(text: unknown): Date | null {
  if (typeof text !== "string" || !/^\d{4}-\d\d-\d\d$/.test(text)) return null;
  const at = new Date(`${text}T00:00:00Z`);
  // `Date` reads `2026-02-31` as a day in March.
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? at : null;
}

/** Parses `FROM..TO`, two instants; null if that is no period. */
function parseZoom(text: unknown): readonly [number, number] | null {
  const [from = NaN, to = NaN] = typeof text === "string" ? text.split("..").map(Date.parse) : [];
  return from < to ? [from, to] : null;
}

/** `defaultRange` is a key of `RANGES`. */
export function viewOf(query: LocationQuery, defaultRange = DEFAULT_RANGE): View {
  const { range, from, to, zone, step, time, simulated, zoom, tab, only, compare } = query;
  const isRange = typeof range === "string" && Object.hasOwn(RANGES, range);
  const days = !isRange && parseDay(from) && parseDay(to) ? ([`${from}`, `${to}`] as const) : null;
  return {
    range: isRange ? range : days ? null : defaultRange,
    days: days && days[0] > days[1] ? [days[1], days[0]] : days,
    zone: typeof zone !== "string" ? shownZone.value : isZone(zone) ? zone : "UTC",
    step: STEPS.find((one) => one === step) ?? null,
    time: time === "occurred" ? time : "received",
    simulated: simulated !== "false",
    zoom: parseZoom(zoom),
    tab: TABS.find(({ id }) => id === tab)?.id ?? "volume",
    only: typeof only === "string" && /^[a-z-]{1,32}$/.test(only) ? only : null,
    compare: compare !== "false",
  };
}

/** The query of a view. It always includes the zone, so that a shared link shows the same data to every user. */
export function queryOf({
  range,
  days,
  zone,
  step,
  time,
  simulated,
  zoom,
  tab,
  only,
  compare,
}: View): LocationQueryRaw {
  return {
    ...(days ? { from: days[0], to: days[1] } : { range: range ?? DEFAULT_RANGE }),
    zone,
    ...(step ? { step } : {}),
    ...(time === "occurred" ? { time } : {}),
    ...(simulated ? {} : { simulated: "false" }),
    ...(zoom ? { zoom: zoom.map((at) => new Date(at).toISOString()).join("..") } : {}),
    ...(tab === "volume" ? {} : { tab }),
    ...(only ? { only } : {}),
    ...(compare ? {} : { compare: "false" }),
  };
}

/** The bounds of a range. One that is not over ends now. */
function rangeBounds({ unit, units, isOver }: Range, now: number, zone: string): [from: number, to: number] {
  if (unit === "hour") {
    const clock = wallClockAt(now, zone);
    const pastHour = clock.getUTCMinutes() * 60_000 + clock.getUTCSeconds() * 1_000 + (now % 1_000);
    return [now - pastHour - (units - 1) * HOUR, now];
  }
  const from = startOf(unit, now, zone, (isOver ? 0 : 1) - units);
  return [from, isOver ? startOf(unit, now, zone) : now];
}

/** Up to half a day is shown by quarters of an hour; otherwise the server chooses. */
function zoomedStep(length: number): Step | null {
  return length <= 12 * HOUR ? "quarter" : null;
}

/** The parameters of the request for statistics, as of `now`. */
export function requestParams(view: View, now: number): Record<string, string> {
  const [first, last] = [parseDay(view.days?.[0]), parseDay(view.days?.[1])];
  const range = RANGES[view.range ?? DEFAULT_RANGE];
  let [from, to] = range ? rangeBounds(range, now, view.zone) : [now - HOUR, now];
  if (first && last) {
    last.setUTCDate(last.getUTCDate() + 1);
    [from, to] = [instantOf(first, view.zone), instantOf(last, view.zone)];
  }
  if (view.zoom) [from, to] = view.zoom;
  const step = view.step ?? (view.zoom ? zoomedStep(to - from) : view.days ? null : range?.step);
  return {
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    zone: view.zone,
    ...(step ? { step } : {}),
    ...(view.time === "occurred" ? { time: view.time } : {}),
    ...(view.simulated ? {} : { simulated: "false" }),
  };
}

/**
 * The filter that selects the events of the period in lists; null if the events are counted by when they occurred, for which lists have no filter.
 * A range that ends now stays open-ended, so that the list keeps growing live.
 */
export function eventFilterOf(
  { from, to, time }: Pick<Statistics, "from" | "to" | "time">,
  view: View,
): Readonly<Record<string, string>> | null {
  if (time === "occurred") return null;
  const isOver = view.days !== null || view.zoom !== null || RANGES[view.range ?? ""]?.isOver === true;
  return { from, ...(isOver ? { to } : {}), ...(view.simulated ? {} : { simulated: "false" }) };
}
