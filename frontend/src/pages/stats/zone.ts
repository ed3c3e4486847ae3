/** Time in any zone: what a clock shows there, and when it shows that. */

import type { Step } from "../../api/stats";

const HOUR = 3_600_000;
const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    const numbers = { year: "numeric", month: "numeric", day: "numeric" } as const;
    const time = { hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" } as const;
    clock = new Intl.DateTimeFormat("en-US", { ...numbers, ...time, era: "short", timeZone: zone });
    clocks.set(zone, clock);
  }
  return clock;
}

/** What a clock in `zone` shows at `moment`, as if it were UTC: its fields are read and set by the UTC methods of `Date`. */
export function shownAt(moment: number, zone: string): Date {
  const parts = clockOf(zone).formatToParts(moment);
  const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  return new Date(Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")));
}

/** When a clock in `zone` shows this. Of a time that comes twice, the first; of one that is skipped, what comes instead. */
export function momentOf(shown: Date, zone: string): number {
  const wanted = shown.getTime();
  const offsetAt = (moment: number): number => shownAt(moment, zone).getTime() - moment;
  const day = 86_400_000;
  // Whatever changes within the day, one of the two offsets holds.
  const candidates = [wanted - offsetAt(wanted - day), wanted - offsetAt(wanted + day)].sort(
    (one, other) => one - other,
  );
  return candidates.find((moment) => shownAt(moment, zone).getTime() === wanted) ?? candidates[1] ?? wanted;
}

/** When the hour, day or month began in which `moment` lies; `later` moves on by so many of them. */
export function startOf(step: Step, moment: number, zone: string, later = 0): number {
  const shown = shownAt(moment, zone);
  // Hours are counted in real time, since some come twice and some not at all.
  if (step === "hour") return moment - (shown.getTime() % HOUR) - (moment % 1_000) + later * HOUR;
  shown.setUTCHours(0, 0, 0, 0);
  if (step === "day") shown.setUTCDate(shown.getUTCDate() + later);
  else shown.setUTCMonth(shown.getUTCMonth() + later, 1);
  return momentOf(shown, zone);
}

/** True for what the browser knows as a zone. */
export function isZone(zone: string): boolean {
  try {
    return clockOf(zone) !== undefined;
  } catch {
    return false;
  }
}

/** A moment in full, as a clock there shows it. */
export function inFull(moment: number, zone: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(moment);
}
