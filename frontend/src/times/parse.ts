/** Times that users type: relative to now, such as `24h`, or dates. */

import { shownZone } from "./format";
import { instantOf, startOf } from "./zone";

const RELATIVE = /^\d{1,5}[mhd]$/;
/** A date with an optional time of day: `2026-11-24`, `2026-11-24 14:05`. */
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d))?$/i;
/** An instant with its zone, as addresses of pages have it. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d.*(?:Z|[+-]\d\d:\d\d)$/;

/**
 * The bound that a typed time stands for: a relative time as it is, and a date as an instant. The end of a range includes a whole day, as in
 * `until:2026-11-24`. Null if the text is not a time.
 */
export function boundOf(text: string, isEnd: boolean): string | null {
  const typed = text.trim();
  if (RELATIVE.test(typed.toLowerCase())) return typed.toLowerCase();
  const at = INSTANT.test(typed) ? Date.parse(typed) : (dayOf(typed.toLowerCase(), isEnd) ?? minuteOf(typed));
  return at === null || Number.isNaN(at) ? null : new Date(at).toISOString();
}

/** The start of a day, or the start of the next one. */
function dayOf(typed: string, isEnd: boolean): number | null {
  const shift = isEnd ? 1 : 0;
  if (typed === "today") return startOf("day", Date.now(), shownZone.value, shift);
  if (typed === "yesterday") return startOf("day", Date.now(), shownZone.value, shift - 1);
  const [, year, month, day, hour] = DATE.exec(typed) ?? [];
  if (year === undefined || hour !== undefined || !isDay(Number(year), Number(month), Number(day))) return null;
  return onClocks(Number(year), Number(month) - 1, Number(day) + shift);
}

function minuteOf(typed: string): number | null {
  const [, year, month, day, hour, minute] = (DATE.exec(typed) ?? []).map(Number);
  if (hour === undefined || Number.isNaN(hour) || hour > 23 || (minute ?? 0) > 59) return null;
  if (!isDay(year ?? 0, month ?? 0, day ?? 0)) return null;
  return onClocks(year ?? 0, (month ?? 1) - 1, day ?? 1, hour, minute);
}

/** False for a date such as 2026-02-31. */
function isDay(year: number, month: number, day: number): boolean {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day && month >= 1 && month <= 12;
}

/** The instant at which the clocks of the chosen zone show this time. */
function onClocks(year: number, month: number, day: number, hour = 0, minute = 0): number {
  return instantOf(new Date(Date.UTC(year, month, day, hour, minute)), shownZone.value);
}
