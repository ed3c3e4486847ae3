/** Groups refusals, which the server counts by hour, by reason and network. */

import type { Refusal } from "../../api/types";
import { reasonOf } from "./reasons";

interface Tally {
  readonly count: number;
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
    first: earlier(a.first, b.first),
    last: later(a.last, b.last),
  };
}

const newestFirst = (a: Tally, b: Tally): number => Date.parse(b.last) - Date.parse(a.last);

/** `rows` must be ordered newest first. Groups of signed deliveries come first. Repeated rows are counted once. */
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
    const tally = { count: row.count, first: row.first_at, last: row.last_at };
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
  return groups.toSorted(
    (a, b) => Number(reasonOf(b.reason).signed) - Number(reasonOf(a.reason).signed) || newestFirst(a, b),
  );
}
