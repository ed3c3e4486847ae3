/** Refusals, which the server counts by hour, folded for people: by reason, and in it by network. */

import type { Refusal } from "../../api/types";
import { reasonOf } from "./reasons";

interface Counted {
  readonly count: number;
  readonly first: string;
  readonly last: string;
}

export interface Network extends Counted {
  readonly network: string;
  readonly nearMiss: string | null;
  readonly hint: string | null;
}

export interface Group extends Counted {
  readonly reason: string;
  /** The one heard of last comes first. */
  readonly networks: readonly Network[];
}

const earlier = (a: string, b: string): string => (Date.parse(b) < Date.parse(a) ? b : a);
const later = (a: string, b: string): string => (Date.parse(b) > Date.parse(a) ? b : a);

function together(one: Counted, other: Counted): Counted {
  return {
    count: one.count + other.count,
    first: earlier(one.first, other.first),
    last: later(one.last, other.last),
  };
}

const newestFirst = (a: Counted, b: Counted): number => Date.parse(b.last) - Date.parse(a.last);

/** Rows, newest first, as groups: what somebody has signed comes before what nobody has. A row that is there twice counts once. */
export function grouped(rows: readonly Refusal[]): Group[] {
  const seen = new Set<string>();
  const byReason = new Map<string, Map<string, Network>>();
  for (const row of rows) {
    // A list that changes while it is fetched page by page may bring a row twice.
    const key = JSON.stringify([row.reason, row.network, row.hour]);
    if (seen.has(key)) continue;
    seen.add(key);
    const networks = byReason.get(row.reason) ?? new Map<string, Network>();
    byReason.set(row.reason, networks);
    const counted = { count: row.count, first: row.first_at, last: row.last_at };
    const known = networks.get(row.network);
    networks.set(row.network, {
      network: row.network,
      ...(known ? together(known, counted) : counted),
      // The rows come newest first, and the newest explanation counts.
      nearMiss: known?.nearMiss ?? row.near_miss,
      hint: known?.nearMiss != null ? known.hint : row.hint,
    });
  }
  const groups = [...byReason].map(([reason, found]) => {
    const networks = [...found.values()].toSorted(newestFirst);
    return { reason, networks, ...networks.map((one): Counted => one).reduce(together) };
  });
  return groups.toSorted(
    (a, b) => Number(reasonOf(b.reason).signed) - Number(reasonOf(a.reason).signed) || newestFirst(a, b),
  );
}
