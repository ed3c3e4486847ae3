/** The clock behind every relative time on the page, and time formatting. */

import { readonly, ref } from "vue";
import { zone } from "../preferences";

const now = ref(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

/** The current time in milliseconds, updated every second. */
export const clock = readonly(now);

/** Creates a formatter for each time zone choice. */
function formats(options: Intl.DateTimeFormatOptions) {
  return {
    local: new Intl.DateTimeFormat(undefined, options),
    utc: new Intl.DateTimeFormat(undefined, { ...options, timeZone: "UTC" }),
  };
}

const FORMATS = formats({ dateStyle: "medium", timeStyle: "long" });
const TIMES = formats({ timeStyle: "short" });

/** Formats the full time in the chosen zone. */
export function exact(then: number): string {
  return FORMATS[zone.value].format(then);
}

/** Formats a range in the chosen zone, or a single time if begin and end are equal. */
export function exactRange(begin: number, end: number): string {
  return FORMATS[zone.value].formatRange(begin, end);
}

/** Formats the time of day in the chosen zone. */
export function timeOfDay(then: number): string {
  return TIMES[zone.value].format(then);
}

/** Formats the full time in the chosen zone, followed by the other zone if it differs. */
export function exactBoth(then: number): string {
  const [chosen, other] = [exact(then), FORMATS[zone.value === "utc" ? "local" : "utc"].format(then)];
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
