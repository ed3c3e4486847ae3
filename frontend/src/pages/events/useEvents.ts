/** The list of events: pages from the server and what arrives live, each event once, newest first. */

import { computed, onUnmounted, ref, shallowRef } from "vue";
import * as api from "../../api/client";
import type { MailEvent } from "../../api/types";
import { listen } from "../../live/feed";
import { merge } from "../../live/merge";

/** The longest list kept in the page; older ones are fetched again when wanted. */
const MOST = 5_000;

export function useEvents() {
  const items = shallowRef<readonly MailEvent[]>([]);
  /** What arrived while the reader was further down; it waits, so that what they read does not move. */
  const waiting = shallowRef<readonly MailEvent[]>([]);
  const next = ref<string | null>(null);
  const loaded = ref(false);
  const loading = ref(false);
  const problem = ref<string | null>(null);
  const aborted = new AbortController();

  /** True while new rows must not come in above what is read. */
  const held = (): boolean => scrollY > 40;

  function take(arrived: readonly MailEvent[]): void {
    // Older than the oldest page that was fetched: it will come with its own page.
    const oldest = items.value.at(-1);
    const fits = arrived.filter((event) => next.value === null || !oldest || event.received_at >= oldest.received_at);
    if (held()) waiting.value = merge(waiting.value, fits, MOST);
    else items.value = merge(items.value, fits, MOST);
  }

  /** Lets in what waits. */
  function release(): void {
    items.value = merge(items.value, waiting.value, MOST);
    waiting.value = [];
    scrollTo({ top: 0 });
  }

  async function fetchPage(cursor: string | null): Promise<void> {
    loading.value = true;
    try {
      const page = await api.listEvents(cursor, aborted.signal);
      const known = new Set(items.value.map((event) => event.id));
      const connects = cursor !== null || items.value.length === 0 || page.items.some((event) => known.has(event.id));
      if (!connects && page.next !== null) {
        // The newest page does not reach what is shown: merged, it would leave a gap.
        items.value = page.items;
        waiting.value = [];
        next.value = page.next;
      } else {
        if (cursor !== null || items.value.length === 0) next.value = page.next;
        if (cursor !== null) items.value = merge(items.value, page.items, MOST);
        else take(page.items);
      }
      problem.value = null;
      loaded.value = true;
    } catch (error) {
      if (aborted.signal.aborted) return;
      problem.value = (error as Error).message;
    } finally {
      loading.value = false;
    }
  }

  const stop = listen({ events: take, refetch: () => void fetchPage(null) });
  void fetchPage(null);
  onUnmounted(() => {
    stop();
    aborted.abort();
  });

  return {
    items,
    loaded,
    loading,
    problem,
    release,
    /** How many wait above. */
    waiting: computed(
      () => waiting.value.filter((event) => !items.value.some((known) => known.id === event.id)).length,
    ),
    hasOlder: computed(() => next.value !== null && items.value.length < MOST),
    fetchOlder: () => fetchPage(next.value),
    retry: () => fetchPage(null),
  };
}
