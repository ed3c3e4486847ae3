/**
 * A list, newest first, that is fetched page by page and grows at the top as items arrive live. Its rows are always without a
 * gap: when continuity is lost it is filled anew from the top, as deep as it was.
 */

import { readonly, ref, shallowReadonly, shallowRef } from "vue";
import type { List } from "../api/types";
import { backoff } from "./backoff";
import { merge, type Placed } from "./merge";

/** Pages fetched at most to fill a list anew; deeper rows are fetched again when wanted. */
const MOST_PAGES = 10;

/** A list of at most `most` items; `fetchPage` gets the page that begins at a cursor, or the first one. */
export function liveList<T extends Placed>(fetchPage: (cursor: string | null) => Promise<List<T>>, most: number) {
  const items = shallowRef<readonly T[]>([]);
  const next = ref<string | null>(null);
  const loaded = ref(false);
  const loading = ref(false);
  const problem = ref<string | null>(null);
  /** What came while a fetch was under way. */
  let arrived: T[] = [];
  /** Counts fetches: the answer of one that was overtaken is dropped. */
  let latest = 0;
  /** Refills that failed in a row. One is owed until it works: without it the list may have a gap. */
  let failures = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;

  function reaches(page: readonly T[], oldest: T | undefined): boolean {
    const last = page.at(-1);
    return last === undefined || oldest === undefined || merge([last], [oldest])[0] === oldest || last.id === oldest.id;
  }

  async function fetching(work: (isLatest: () => boolean) => Promise<void>): Promise<void> {
    const mine = ++latest;
    arrived = [];
    loading.value = true;
    try {
      await work(() => mine === latest);
      if (mine === latest) problem.value = null;
    } catch (error) {
      if (mine === latest) problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      if (mine === latest) loading.value = false;
    }
  }

  /** Fills the list anew from the top, down to where it reached. Tried again until it works. */
  function refill(): Promise<void> {
    clearTimeout(retry);
    return fetching(async (isLatest) => {
      const oldest = items.value.at(-1);
      const found: T[] = [];
      let cursor: string | null = null;
      try {
        for (let pages = 0; pages < MOST_PAGES; pages++) {
          const page: List<T> = await fetchPage(cursor);
          if (!isLatest()) return;
          found.push(...page.items);
          cursor = page.next;
          if (cursor === null || reaches(page.items, oldest)) break;
        }
      } catch (error) {
        if (isLatest()) retry = setTimeout(() => void refill(), 1_000 + backoff(failures++, Math.random()));
        throw error;
      }
      failures = 0;
      next.value = cursor;
      items.value = merge(found, arrived, most);
      loaded.value = true;
    });
  }

  return {
    items: shallowReadonly(items),
    /** Where the next older page begins; null at the end. */
    next: readonly(next),
    /** Whether anything was fetched yet. */
    loaded: readonly(loaded),
    loading: readonly(loading),
    /** Why the last fetch failed. */
    problem: readonly(problem),

    /** Takes what arrived live. What is older than the oldest page fetched comes with its own page. */
    add(more: readonly T[]): void {
      if (loading.value) arrived.push(...more);
      const fits = more.filter((item) => next.value === null || !reaches([item], items.value.at(-1)));
      items.value = merge(items.value, fits, most);
    },

    /** Changes items where they stand. */
    update(change: (item: T) => T): void {
      items.value = items.value.map(change);
    },

    refill,

    /** Fetches the next older page. */
    older(): Promise<void> {
      // A refill that is owed comes first.
      if (failures > 0) return refill();
      return fetching(async (isLatest) => {
        const page = await fetchPage(next.value);
        if (!isLatest()) return;
        next.value = page.next;
        items.value = merge(items.value, page.items, most);
      });
    },

    /** Forgets everything, also what is being fetched. */
    clear(): void {
      latest += 1;
      failures = 0;
      clearTimeout(retry);
      items.value = [];
      next.value = null;
      loaded.value = false;
      loading.value = false;
      problem.value = null;
    },
  };
}
