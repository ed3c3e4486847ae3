/** Groups refusals, which the server counts by hour, by reason and network. */

import type { Refusal } from "../../api/types";
import { texts } from "./texts";

interface Tally {
  readonly count: number;
  /** How many one of our keys signed. */
  readonly proven: number;
  /** How many of the others look like Mandrill's deliveries, which anyone can imitate. */
  readonly likely: number;
  readonly first: string;
  readonly last: string;
}

export interface Network extends Tally {
  readonly network: string;
  readonly nearMiss: string | null;
  readonly hint: string | null;
}

export interface Group extends Tally {
  readonly reason: string;
  /** Ordered by the last refusal, newest first. */
  readonly networks: readonly Network[];
}

const earlier = (a: string, b: string): string => (Date.parse(b) < Date.parse(a) ? b : a);
const later = (a: string, b: string): string => (Date.parse(b) > Date.parse(a) ? b : a);

function combine(a: Tally, b: Tally): Tally {
  return {
    count: a.count + b.count,
    proven: a.proven + b.proven,
    likely: a.likely + b.likely,
    first: earlier(a.first, b.first),
    last: later(a.last, b.last),
  };
}

const newestFirst = (a: Tally, b: Tally): number => Date.parse(b.last) - Date.parse(a.last);

/** Whether Mandrill sent some of these refused deliveries, or seems to have sent them. */
export const concernsMandrill = (tally: Tally): boolean => tally.proven + tally.likely > 0;

/** Who sent the refused deliveries, as far as they show it. */
export function describeSenders({ count, proven, likely }: Tally): string {
  const parts = [];
  if (proven > 0) parts.push(texts.ofCarryASignature(proven, count));
  if (likely > 0) parts.push(texts.ofLookLikeDeliveries(likely, count));
  return parts.length > 0 ? parts.join(" ") : texts.noneOfThemLooks;
}

/** `rows` must be ordered newest first. Groups that concern Mandrill come first. Repeated rows are counted once. */
export function groupRefusals(rows: readonly Refusal[]): Group[] {
  const seen = new Set<string>();
  const byReason = new Map<string, Map<string, Network>>();
  for (const row of rows) {
    // If the list changes while it is fetched page by page, a row can appear twice.
    const key = JSON.stringify([row.reason, row.network, row.hour]);
    if (seen.has(key)) continue;
    seen.add(key);
    const networks = byReason.get(row.reason) ?? new Map<string, Network>();
    byReason.set(row.reason, networks);
    const tally = {
      count: row.count,
      proven: row.proven,
      likely: row.likely,
      first: row.first_at,
      last: row.last_at,
    };
    const known = networks.get(row.network);
    networks.set(row.network, {
      network: row.network,
      ...(known ? combine(known, tally) : tally),
      // Rows are ordered newest first, so the first explanation found is the newest.
      nearMiss: known?.nearMiss ?? row.near_miss,
      hint: known?.nearMiss != null ? known.hint : row.hint,
    });
  }
  const groups = [...byReason].map(([reason, found]) => {
    const networks = [...found.values()].toSorted(newestFirst);
    return { reason, networks, ...networks.map((one): Tally => one).reduce(combine) };
  });
  return groups.toSorted((a, b) => Number(concernsMandrill(b)) - Number(concernsMandrill(a)) || newestFirst(a, b));
}
