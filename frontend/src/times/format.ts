/** Formats times for display. Every text about a time comes from here and uses the chosen zone, or the zone that the caller gives. */

import { computed, readonly, ref } from "vue";
import { times, zone } from "../preferences";
import { startOf, wallClockAt } from "./zone";

const now = ref(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

/** The current time in milliseconds, updated every second. */
export const clock = readonly(now);

/** The time zone of the browser. */
export function browserZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** The zone that the user chose. */
export const shownZone = computed(() => (zone.value === "utc" ? "UTC" : browserZone()));

const MINUTE = { hour: "numeric", minute: "2-digit" } as const;
const DATE = { month: "short", day: "numeric" } as const;

const STYLES = {
  /** `29 Nov 2026, 14:03:22 CET` */
  full: { dateStyle: "medium", timeStyle: "long" },
  /** `29 Nov 2026, 14:03` */
  moment: { dateStyle: "medium", timeStyle: "short" },
  /** `29 Nov, 14:03` */
  dateAndTime: { ...DATE, ...MINUTE },
  /** `29 Nov 2026` */
  date: { ...DATE, year: "numeric" },
  /** `Sunday, 29 November 2026` */
  day: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  /** `Sun 29 Nov, 14:03` */
  weekdayAndTime: { weekday: "short", ...DATE, ...MINUTE },
  /** `Sun 29 Nov 2026` */
  weekday: { weekday: "short", ...DATE, year: "numeric" },
  /** `November 2026` */
  month: { month: "long", year: "numeric" },
  /** `29 Nov` */
  dateShort: DATE,
  /** `Nov 2026` */
  monthShort: { month: "short", year: "numeric" },
  /** `14:03` */
  time: { timeStyle: "short" },
  /** `14:03:22` */
  seconds: { timeStyle: "medium" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

export type TimeStyle = keyof typeof STYLES;

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(style: TimeStyle, inZone: string): Intl.DateTimeFormat {
  const key = `${style} ${inZone}`;
  const known = formatters.get(key) ?? new Intl.DateTimeFormat(undefined, { ...STYLES[style], timeZone: inZone });
  formatters.set(key, known);
  return known;
}

/** Formats an instant. */
export function format(style: TimeStyle, at: number, inZone = shownZone.value): string {
  return formatter(style, inZone).format(at);
}

/** Formats a range, or a single time if begin and end are equal. */
export function formatRange(style: TimeStyle, begin: number, end: number, inZone = shownZone.value): string {
  return formatter(style, inZone).formatRange(begin, end);
}

/** Formats a whole hour of the day, from 0 to 23: `14:00`. */
export function formatHour(hour: number): string {
  return format("time", hour * 3_600_000, "UTC");
}

/** Formats the full time in the chosen zone. */
export function exact(then: number): string {
  return format("full", then);
}

/** Formats the full time in the chosen zone, followed by the browser's zone or UTC if that differs. */
export function exactBoth(then: number): string {
  const [chosen, other] = [exact(then), format("full", then, zone.value === "utc" ? browserZone() : "UTC")];
  return chosen === other ? chosen : `${chosen} · ${other}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [60, "s"],
  [60, "min"],
  [24, "h"],
  [365, "d"],
];

/** Formats the time from `then` to `at`: `3 s`, `12 min`, `5 h`, `40 d`, `2 y`. */
export function ago(then: number, at: number): string {
  let count = Math.max(0, Math.floor((at - then) / 1000));
  for (const [size, unit] of UNITS) {
    if (count < size) return `${count} ${unit}`;
    count = Math.floor(count / size);
  }
  return `${count} y`;
}

/** Starts of days by zone and quarter of an hour, because lists ask for the same days again and again. */
const dayStarts = new Map<string, number>();
const MAX_DAY_STARTS = 10_000;

/** The start of the day on the clocks of the chosen zone. */
export function startOfDay(at: number): number {
  const key = `${shownZone.value} ${Math.floor(at / 900_000)}`;
  const start = dayStarts.get(key) ?? startOf("day", at, shownZone.value);
  if (dayStarts.size >= MAX_DAY_STARTS) dayStarts.clear();
  dayStarts.set(key, start);
  return start;
}

/** The current day; it changes at midnight. */
const today = computed(() => startOfDay(Math.floor(clock.value / 60_000) * 60_000));

/** Names a day: `Today`, `Yesterday`, or its date. */
export function dayName(at: number): string {
  const start = startOfDay(at);
  if (start === today.value) return "Today";
  return start === startOfDay(today.value - 1) ? "Yesterday" : format("day", at);
}

/** Whether a time lies in the current year. */
export function isThisYear(at: number): boolean {
  const [year, current] = [at, clock.value].map((one) => wallClockAt(one, shownZone.value).getUTCFullYear());
  return year === current;
}

/** Formats the time of day, with the date if that is not today, and the year if that is another one. */
function absolute(at: number): string {
  if (startOfDay(at) === today.value) return format("seconds", at);
  return format(isThisYear(at) ? "dateAndTime" : "moment", at);
}

/** Formats a time as the user chose: relative to now, or as date and time. */
export function shownTime(at: number): string {
  return times.value === "relative" ? ago(at, clock.value) : absolute(at);
}

/** Formats a time below the name of the day `day`: the time of day, with the date if it lies on another day. */
export function timeWithin(day: number, at: number): string {
  if (times.value === "relative") return ago(at, clock.value);
  return startOfDay(at) === day ? format("seconds", at) : absolute(at);
}
