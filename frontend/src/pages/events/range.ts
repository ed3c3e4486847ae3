/** Time ranges. Bounds are instants, or relative to now such as `24h`. URLs keep the relative form. */

import type { Filter } from "../../api/types";
import { format, formatRange } from "../../times/format";
import { capitalize } from "../../words";
import { texts } from "./texts";

/** Preset ranges: the value of `from`, and the label. */
export const RANGES: readonly (readonly [from: string | null, name: string])[] = [
  ["1h", texts.lastHour],
  ["24h", texts.last24Hours],
  ["7d", texts.last7Days],
  ["30d", texts.last30Days],
  [null, texts.allTime],
];

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const WORDS: Readonly<Record<string, string>> = { m: "minute", h: "hour", d: "day" };

/** Resolves a bound to an instant. An invalid bound is returned unchanged, and the server reports it. */
function toInstant(bound: string, now: number): string {
  const [, count = "", unit = ""] = /^(\d{1,5})([mhd])$/.exec(bound) ?? [];
  const at = count === "" ? Date.parse(bound) : now - Number(count) * (UNITS[unit] ?? 0);
  return Number.isNaN(at) ? bound : new Date(at).toISOString();
}

/** Resolves `from` and `to` to instants, as the server requires. */
export function resolveRange(filter: Filter, now: number): Filter {
  const bounds = Object.entries(filter)
    .filter(([name]) => name === "from" || name === "to")
    .map(([name, bound]) => [name, toInstant(`${bound as string}`, now)]);
  return { ...filter, ...Object.fromEntries(bounds) };
}

/** Describes the filter's time range. */
export function describeRange({ from, to }: Filter): string {
  const [since, until] = [describeBound(from), describeBound(to)];
  const known = RANGES.find(([preset]) => preset === (from ?? null))?.[1];
  if (until === null) return known ?? (since?.startsWith("last") ? capitalize(since) : texts.sinceTime(`${since}`));
  if (since === null) return texts.untilTime(until);
  const [begin, end] = [Date.parse(`${from as string}`), Date.parse(`${to as string}`)];
  return Number.isNaN(begin) || Number.isNaN(end)
    ? texts.fromUntil(capitalize(since), until)
    : formatRange("moment", begin, end);
}

function describeBound(bound: Filter[string] | undefined): string | null {
  if (bound === undefined) return null;
  const [, count = "", unit = ""] = /^(\d{1,5})([mhd])$/.exec(`${bound as string}`) ?? [];
  if (count !== "") return texts.last(count, WORDS[unit] ?? "", count === "1" ? "" : "s");
  const at = Date.parse(`${bound as string}`);
  return Number.isNaN(at) ? `${bound as string}` : format("moment", at);
}
