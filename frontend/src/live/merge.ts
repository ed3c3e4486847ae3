/** Lists that grow from two sides: pages fetched, and items that arrive live. Each item is there once, newest first. */

export interface Placed {
  readonly id: number;
  readonly received_at?: string;
}

/** Newest first, as the server sorts: by receipt, then by id. */
function newerFirst(a: Placed, b: Placed): number {
  const [left, right] = [a.received_at ?? "", b.received_at ?? ""];
  // Times of one format compare as text, but for fractions of different length.
  const byTime = left === right ? 0 : Date.parse(right) - Date.parse(left) || right.localeCompare(left);
  return byTime || b.id - a.id;
}

/** `known` with `more` merged in by id; of two with the same id the one known stays. At most `limit`, the oldest go. */
export function merge<T extends Placed>(known: readonly T[], more: readonly T[], limit = Infinity): T[] {
  const ids = new Set(known.map((item) => item.id));
  const fresh = more.filter((item) => !ids.has(item.id) && ids.add(item.id));
  if (fresh.length === 0) return known.slice(0, limit);
  fresh.sort(newerFirst);
  const [first, last] = [known[0], fresh.at(-1)];
  // The usual case, live: all that is fresh is newer.
  if (first === undefined || last === undefined || newerFirst(last, first) < 0)
    return [...fresh, ...known].slice(0, limit);
  return [...known, ...fresh].sort(newerFirst).slice(0, limit);
}
