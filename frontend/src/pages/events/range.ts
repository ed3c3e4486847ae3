/** From when to when: `24h` before now, or a moment. Kept as it was said, so that an address goes on meaning it. */

import type { Filter } from "../../api/types";

/** The usual ranges, with what `from` says for them. */
export const RANGES: readonly (readonly [from: string | null, name: string])[] = [
  ["1h", "Last hour"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
  [null, "All time"],
];

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const WORDS: Readonly<Record<string, string>> = { m: "minute", h: "hour", d: "day" };
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** What was said as a moment; what cannot be understood stays, and the server says so. */
function instant(said: string, now: number): string {
  const [, count = "", unit = ""] = /^(\d{1,5})([mhd])$/.exec(said) ?? [];
  const at = count === "" ? Date.parse(said) : now - Number(count) * (UNITS[unit] ?? 0);
  return Number.isNaN(at) ? said : new Date(at).toISOString();
}

/** The filter with moments for `from` and `to`, as the server wants them. */
export function resolved(filter: Filter, now: number): Filter {
  const moments = Object.entries(filter)
    .filter(([name]) => name === "from" || name === "to")
    .map(([name, said]) => [name, instant(`${said as string}`, now)]);
  return { ...filter, ...Object.fromEntries(moments) };
}

/** The filter's range, in words. */
export function rangeInWords({ from, to }: Filter): string {
  const [since, until] = [inWords(from), inWords(to)];
  const known = RANGES.find(([said]) => said === (from ?? null))?.[1];
  if (until === null) return known ?? (since?.startsWith("last") ? capital(since) : `Since ${since}`);
  if (since === null) return `Until ${until}`;
  const [begin, end] = [Date.parse(`${from as string}`), Date.parse(`${to as string}`)];
  return Number.isNaN(begin) || Number.isNaN(end) ? `${capital(since)} until ${until}` : moment.formatRange(begin, end);
}

function inWords(said: Filter[string] | undefined): string | null {
  if (said === undefined) return null;
  const [, count = "", unit = ""] = /^(\d{1,5})([mhd])$/.exec(`${said as string}`) ?? [];
  if (count !== "") return `last ${count} ${WORDS[unit]}${count === "1" ? "" : "s"}`;
  const at = Date.parse(`${said as string}`);
  return Number.isNaN(at) ? `${said as string}` : moment.format(at);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
