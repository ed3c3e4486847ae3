/** Merges fetched pages with items that arrive live. Each item appears once, newest first. */

export interface ListItem {
  readonly id: number;
  readonly received_at?: string;
}

/** The server's order, newest first: by time of receipt, then by id. */
function newerFirst(a: ListItem, b: ListItem): number {
  const [left, right] = [a.received_at ?? "", b.received_at ?? ""];
  // A date has milliseconds only. Without the Z, the rest can be compared as text.
  const rest = (): number => (left.replace("Z", "") < right.replace("Z", "") ? 1 : -1);
  const byTime = left === right ? 0 : Date.parse(right) - Date.parse(left) || rest();
  return byTime || b.id - a.id;
}

/** Merges `more` into `known` by id. If an id is duplicated, the known item is kept. Keeps the newest `limit` items. */
export function merge<T extends ListItem>(known: readonly T[], more: readonly T[], limit = Infinity): T[] {
  const unique = [...new Map([...more].reverse().map((item) => [item.id, item])).values()].sort(newerFirst);
  const [newest, oldest] = [known[0], known.at(-1)];
  // Fast paths for long lists: live items are usually all newer, and the items on an older page are all older.
  if (newest === undefined || isNewer(unique.at(-1), newest)) return [...unique, ...known].slice(0, limit);
  if (isNewer(oldest, unique[0])) return [...known, ...unique].slice(0, limit);
  const ids = new Set(known.map((item) => item.id));
  const fresh = unique.filter((item) => !ids.has(item.id));
  if (fresh.length === 0) return known.slice(0, limit);
  return [...known, ...fresh].sort(newerFirst).slice(0, limit);
}

/** Whether the first item is newer than the second. False if either is undefined. */
export function isNewer(first: ListItem | undefined, second: ListItem | undefined): boolean {
  return first !== undefined && second !== undefined && newerFirst(first, second) < 0;
}
