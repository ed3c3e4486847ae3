/**
 * A list, newest first, that is fetched page by page and grows at the top as live items arrive. It never has a gap: when the feed
 * loses continuity, the list is refilled from the top to its previous depth.
 */

import { readonly, ref, shallowReadonly, shallowRef } from "vue";
import type { List } from "../api/types";
import { backoff } from "./backoff";
import { isNewer, type ListItem, merge } from "./merge";

/** Maximum number of pages a refill fetches. Older items are fetched again on demand. */
const MAX_REFILL_PAGES = 10;

/** Creates a list of at most `limit` items. `fetchPage` fetches the page at a cursor, or the first page for null. */
export function liveList<T extends ListItem>(fetchPage: (cursor: string | null) => Promise<List<T>>, limit: number) {
  const items = shallowRef<readonly T[]>([]);
  const next = ref<string | null>(null);
  const searchedTo = ref<string | null>(null);
  /** The place down to which the list has every item, unless `next` is null. */
  let bottom: ListItem | undefined;
  const loaded = ref(false);
  const loading = ref(false);
  const problem = ref<string | null>(null);
  /** Items that arrived live during a fetch. */
  let arrived: T[] = [];
  /** Sequence number of the latest fetch. Responses to earlier fetches are ignored. */
  let latest = 0;
  /** Consecutive failed refills. While it is not zero, the list may have a gap. */
  let failures = 0;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;

  /** Ends the list where this page ends. */
  function endWith(page: List<T>): void {
    next.value = page.next;
    searchedTo.value = page.searched_to ?? null;
    bottom = bottomOf(page);
  }

  async function runLatest(work: (isLatest: () => boolean) => Promise<void>): Promise<void> {
    const id = ++latest;
    arrived = [];
    loading.value = true;
    try {
      await work(() => id === latest);
      if (id === latest) problem.value = null;
    } catch (error) {
      if (id === latest) problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      if (id === latest) loading.value = false;
    }
  }

  /** Fetches from the top down to the oldest known item, or as far as the limit of pages allows. Null if a later fetch began. */
  async function fetchKnown(
    isLatest: () => boolean,
  ): Promise<{ fetched: T[]; last: List<T>; isWhole: boolean } | null> {
    const oldest = items.value.at(-1);
    const fetched: T[] = [];
    for (let pages = 1, cursor: string | null = null; ; pages++) {
      const last: List<T> = await fetchPage(cursor);
      if (!isLatest()) return null;
      fetched.push(...last.items);
      const isWhole = last.next === null || oldest === undefined || !isNewer(bottomOf(last), oldest);
      if (isWhole || pages === MAX_REFILL_PAGES) return { fetched, last, isWhole };
      cursor = last.next;
    }
  }

  /** Fetches from the top down to the oldest known item. Retries until it succeeds. */
  function refill(): Promise<void> {
    clearTimeout(retryTimer);
    return runLatest(async (isLatest) => {
      const known = await fetchKnown(isLatest).catch((error: unknown) => {
        if (isLatest()) retryTimer = setTimeout(() => void refill(), 1_000 + backoff(failures++, Math.random()));
        throw error;
      });
      if (known === null) return;
      failures = 0;
      endWith(known.last);
      items.value = merge(known.fetched, arrived, limit);
      loaded.value = true;
    });
  }

  return {
    items: shallowReadonly(items),
    /** Cursor of the next older page; null at the end. */
    next: readonly(next),
    /** If the last page was searched for too long: since when everything received was searched. */
    searchedTo: readonly(searchedTo),
    /** Whether a refill has succeeded. */
    loaded: readonly(loaded),
    loading: readonly(loading),
    /** Why the last fetch failed. */
    problem: readonly(problem),

    /** Adds items that arrived live. Items older than what was fetched are ignored; they arrive with their page. */
    add(more: readonly T[]): void {
      if (loading.value) arrived.push(...more);
      const newer = more.filter((item) => next.value === null || isNewer(item, bottom));
      items.value = merge(items.value, newer, limit);
    },

    /** Replaces each item with `change(item)`. */
    update(change: (item: T) => T): void {
      arrived = arrived.map(change);
      items.value = items.value.map(change);
    },

    refill,

    /** Fetches the known items again without adding any, and returns those that are new. Null if that fails, or the list is too long. */
    async refresh(): Promise<readonly T[] | null> {
      let added: readonly T[] | null = null;
      await runLatest(async (isLatest) => {
        const before = new Set(items.value.map(({ id }) => id));
        const known = await fetchKnown(isLatest);
        if (!known?.isWhole) return;
        const byId = new Map(known.fetched.map((item) => [item.id, item]));
        items.value = items.value.flatMap((item) => byId.get(item.id) ?? (before.has(item.id) ? [] : item));
        added = known.fetched.filter((item) => !before.has(item.id) && (next.value === null || isNewer(item, bottom)));
      });
      return added;
    },

    /** Fetches the next older page. */
    older(): Promise<void> {
      // Close a possible gap first.
      if (failures > 0) return refill();
      return runLatest(async (isLatest) => {
        const page = await fetchPage(next.value);
        if (!isLatest()) return;
        endWith(page);
        items.value = merge(items.value, page.items, limit);
      });
    },

    /** Clears the list and ignores fetches in flight. */
    clear(): void {
      latest += 1;
      failures = 0;
      clearTimeout(retryTimer);
      items.value = [];
      endWith({ items: [], next: null });
      loaded.value = false;
      loading.value = false;
      problem.value = null;
    },
  };
}

/** The last place that a page covers. A search that took too long covers more than its items: the cursor ends with the id of the last event. */
function bottomOf<T extends ListItem>({ items, next, searched_to }: List<T>): ListItem | undefined {
  if (!searched_to) return items.at(-1);
  return { received_at: searched_to, id: Number(next?.split("-")[1]) };
}
