import { expect, test, vi } from "vitest";
import type { List } from "../api/types";
import { liveList } from "./list";

interface Item {
  readonly id: number;
}

/** A fake server with items 1 to `count` in pages of three. Each request is pending until `answer` is called. */
function server(count: number) {
  const pending: (() => void)[] = [];
  const state = { count };
  const fetchPage = (cursor: string | null): Promise<List<Item>> =>
    new Promise((resolve) => {
      pending.push(() => {
        const from = cursor === null ? state.count : Number(cursor) - 1;
        const items = Array.from({ length: Math.min(3, from) }, (_, n) => ({ id: from - n }));
        resolve({ items, next: from > 3 ? `${from - 2}` : null });
      });
    });
  const answer = async (): Promise<void> => {
    pending.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { state, fetchPage, answer };
}

const ids = (items: readonly Item[]): number[] => items.map((item) => item.id);

test("items that arrive before the first page do not hide older ones", async () => {
  const { fetchPage, answer } = server(10);
  const list = liveList(fetchPage, 100);
  const filled = list.refill();
  list.add([{ id: 11 }]);
  await answer();
  await filled;
  expect(ids(list.items.value)).toEqual([11, 10, 9, 8]);
  expect(list.next.value).toBe("8");
  const older = list.older();
  await answer();
  await older;
  expect(ids(list.items.value)).toEqual([11, 10, 9, 8, 7, 6, 5]);
});

test("a refill after a gap restores the list to its previous depth without gaps", async () => {
  const { state, fetchPage, answer } = server(10);
  const list = liveList(fetchPage, 100);
  const filled = list.refill();
  await answer();
  await filled;
  expect(ids(list.items.value)).toEqual([10, 9, 8]);
  // Items 11 to 19 were missed, 20 arrives live, and the list is refilled.
  state.count = 20;
  list.add([{ id: 20 }]);
  const again = list.refill();
  list.add([{ id: 21 }]);
  for (let page = 0; page < 5; page++) await answer();
  await again;
  expect(ids(list.items.value)).toEqual(Array.from({ length: 16 }, (_, n) => 21 - n));
  list.add([{ id: 3 }]);
  expect(ids(list.items.value)).not.toContain(3);
});

test("a response that arrives after clear is dropped", async () => {
  const { fetchPage, answer } = server(10);
  const list = liveList(fetchPage, 100);
  const first = list.refill();
  list.clear();
  await answer();
  await first;
  expect(list.items.value).toEqual([]);
  expect(list.loaded.value).toBe(false);
});

test("a failed refill reports the problem, keeps the items, and is retried until it succeeds", async () => {
  vi.useFakeTimers();
  let fail = false;
  const list = liveList<Item>(
    () =>
      fail ? Promise.reject(new Error("unavailable")) : Promise.resolve({ items: [{ id: 2 }, { id: 1 }], next: null }),
    100,
  );
  list.add([{ id: 1 }]);
  fail = true;
  await list.refill();
  expect(list.problem.value).toBe("unavailable");
  expect(ids(list.items.value)).toEqual([1]);
  fail = false;
  await vi.runAllTimersAsync();
  expect(list.problem.value).toBeNull();
  expect(ids(list.items.value)).toEqual([2, 1]);
  vi.useRealTimers();
});

test("a refresh keeps the known items in place and returns the new ones", async () => {
  const { state, fetchPage, answer } = server(6);
  const list = liveList(fetchPage, 100);
  const filled = list.refill();
  await answer();
  await filled;
  state.count = 8;
  const refreshed = list.refresh();
  await answer();
  // An item that arrives live meanwhile is neither lost nor doubled.
  list.add([{ id: 9 }]);
  await answer();
  expect(ids((await refreshed) ?? [])).toEqual([8, 7]);
  expect(ids(list.items.value)).toEqual([9, 6, 5, 4]);
  list.add([{ id: 8 }, { id: 7 }]);
  expect(ids(list.items.value)).toEqual([9, 8, 7, 6, 5, 4]);
  expect(list.next.value).toBe("4");
});

test("a refresh of a list that is too long, or that fails, returns null", async () => {
  const { state, fetchPage, answer } = server(3);
  const list = liveList(fetchPage, 100);
  const filled = list.refill();
  await answer();
  await filled;
  state.count = 100;
  const refreshed = list.refresh();
  for (let n = 0; n < 10; n++) await answer();
  expect(await refreshed).toBeNull();
  expect(ids(list.items.value)).toEqual([3, 2, 1]);
});

interface Event extends Item {
  readonly received_at: string;
}
const at = (second: number): string => `2026-11-30T12:00:${`${second}`.padStart(2, "0")}Z`;
const event = (id: number): Event => ({ id, received_at: at(id) });

test("a search that takes long keeps what arrives within what was searched, and goes on below", async () => {
  const pages: List<Event>[] = [
    { items: [], next: "1-30", searched_to: at(30) },
    { items: [event(20)], next: "1-10", searched_to: at(10) },
    { items: [event(5)], next: null },
  ];
  const cursors: (string | null)[] = [];
  const list = liveList<Event>((cursor) => {
    cursors.push(cursor);
    return Promise.resolve(pages.shift() ?? { items: [], next: null });
  }, 100);
  await list.refill();
  expect([list.loaded.value, list.next.value, list.searchedTo.value]).toEqual([true, "1-30", at(30)]);
  // Older than what was searched: it comes with its page.
  list.add([event(40), event(29)]);
  expect(ids(list.items.value)).toEqual([40]);
  await list.older();
  // Older than the last match, but within what was searched.
  list.add([event(15)]);
  expect(ids(list.items.value)).toEqual([40, 20, 15]);
  await list.older();
  expect(ids(list.items.value)).toEqual([40, 20, 15, 5]);
  expect([list.next.value, list.searchedTo.value]).toEqual([null, null]);
  expect(cursors).toEqual([null, "1-30", "1-10"]);
});

test("a refill goes on through pages without matches", async () => {
  const pages: List<Event>[] = [
    { items: [event(50)], next: "1-10", searched_to: at(10) },
    // The refill: the same events, searched less far at a time.
    { items: [], next: "1-55", searched_to: at(55) },
    { items: [event(50)], next: "1-45", searched_to: at(45) },
  ];
  const list = liveList<Event>(() => Promise.resolve(pages.shift() ?? { items: [], next: null }), 100);
  await list.refill();
  await list.refill();
  expect(ids(list.items.value)).toEqual([50]);
  expect(list.next.value).toBe("1-45");
});
