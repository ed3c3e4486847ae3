/** One clock for every relative time on the page. */

import { readonly, ref } from "vue";
import { zone } from "../preferences";

const now = ref(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

/** The current time in milliseconds, once a second. */
export const clock = readonly(now);

/** What writes times, in each zone that there is to choose. */
function formats(how: Intl.DateTimeFormatOptions) {
  return {
    local: new Intl.DateTimeFormat(undefined, how),
    utc: new Intl.DateTimeFormat(undefined, { ...how, timeZone: "UTC" }),
  };
}

const FORMATS = formats({ dateStyle: "medium", timeStyle: "long" });
const TIMES = formats({ timeStyle: "short" });

/** The time in full, in the zone that the reader chose. */
export function exact(then: number): string {
  return FORMATS[zone.value].format(then);
}

/** A stretch of time in full, in the same zone; a moment where it begins and ends at once. */
export function exactRange(begin: number, end: number): string {
  return FORMATS[zone.value].formatRange(begin, end);
}

/** The time of day, in the same zone. */
export function timeOfDay(then: number): string {
  return TIMES[zone.value].format(then);
}

/** The time in full, and what it is in the other zone, unless that is the same. */
export function exactBoth(then: number): string {
  const [own, other] = [exact(then), FORMATS[zone.value === "utc" ? "local" : "utc"].format(then)];
  return own === other ? own : `${own} · ${other}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [60, "s"],
  [60, "min"],
  [24, "h"],
  [365, "d"],
];

/** `3 s`, `12 min`, `5 h`, `40 d`, `2 y`: how long ago `then` was. */
export function ago(then: number, at: number): string {
  let count = Math.max(0, Math.floor((at - then) / 1000));
  for (const [size, unit] of UNITS) {
    if (count < size) return `${count} ${unit}`;
    count = Math.floor(count / size);
  }
  return `${count} y`;
}
