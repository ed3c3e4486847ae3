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
  const unique = [...new Map([...more].reverse().map((item) => [item.id, item])).values()].sort(newerFirst);
  const [newest, oldest] = [known[0], known.at(-1)];
  // The usual cases need no look at what is known, which may be long: live all that is new is newer, and of a page all is older.
  if (newest === undefined || isNewer(unique.at(-1), newest)) return [...unique, ...known].slice(0, limit);
  if (isNewer(oldest, unique[0])) return [...known, ...unique].slice(0, limit);
  const ids = new Set(known.map((item) => item.id));
  const fresh = unique.filter((item) => !ids.has(item.id));
  if (fresh.length === 0) return known.slice(0, limit);
  return [...known, ...fresh].sort(newerFirst).slice(0, limit);
}

/** Whether the first comes before the second; what is not there does not. */
export function isNewer(one: Placed | undefined, other: Placed | undefined): boolean {
  return one !== undefined && other !== undefined && newerFirst(one, other) < 0;
}
