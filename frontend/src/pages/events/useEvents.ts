/** The list of events: pages from the server merged with the live feed, without duplicates, newest first. */

import { computed, onUnmounted, readonly, ref, shallowRef, watch } from "vue";
import * as api from "../../api/client";
import type { ChangedVerdict, Filter, MailEvent } from "../../api/types";
import { follow, listen } from "../../live/feed";
import { whileShown } from "../../components/whileShown";
import { liveList } from "../../live/list";
import { isNewer, merge } from "../../live/merge";

/** Maximum length of the list in the page. Older events are fetched again on demand. */
const MAX_ITEMS = 100_000;
/** Minimum interval between updates in a burst, in milliseconds. A single event is shown immediately. */
const FLUSH_INTERVAL = 150;

/**
 * While `isHeld` returns true, new events stay pending, so that the rows being read do not move. In the background, the list keeps its rows and
 * receives no events, because the feed follows the filter of the page in front; it is fetched again when it comes back.
 */
export function useEvents(filter: () => Filter, isHeld: () => boolean) {
  const list = liveList<MailEvent>((cursor) => api.listEvents(cursor, filter()), MAX_ITEMS);
  /** Events held back, newest first. */
  const pending = shallowRef<readonly MailEvent[]>([]);
  /** The feed lost continuity while the list was held: it has to be fetched again. */
  const stale = ref(false);
  let incoming: MailEvent[] = [];
  let flushTimer: ReturnType<typeof setTimeout> | undefined;
  let flushedAt = 0;

  function receive(arrived: readonly MailEvent[]): void {
    incoming.push(...arrived);
    const wait = flushedAt + FLUSH_INTERVAL - Date.now();
    if (wait <= 0) flush();
    else flushTimer ??= setTimeout(flush, wait);
  }

  function flush(): void {
    clearTimeout(flushTimer);
    flushTimer = undefined;
    flushedAt = Date.now();
    pending.value = merge(pending.value, incoming, MAX_ITEMS);
    incoming = [];
    if (!isHeld()) showPending();
  }

  function showPending(): void {
    if (stale.value) {
      stale.value = false;
      void list.refill();
    }
    if (pending.value.length === 0) return;
    list.add(pending.value);
    pending.value = [];
  }

  /** A filter by actor may select other events after a change, so they have to be fetched. */
  function change({ id, actor, reason }: ChangedVerdict): void {
    if ("actor" in filter() || "not.actor" in filter()) {
      refetch();
      return;
    }
    const patch = (event: MailEvent): MailEvent =>
      event.id === id ? { ...event, actor, actor_reason: reason } : event;
    incoming = incoming.map(patch);
    pending.value = pending.value.map(patch);
    list.update(patch);
  }

  /** Refetching moves rows, so it is deferred while the list is held. */
  function refetch(): void {
    if (isHeld() && list.loaded.value) stale.value = true;
    else void list.refill();
  }

  /** Adds what arrived while the list was in the background. */
  async function catchUp(): Promise<void> {
    const added = await list.refresh();
    if (added === null) refetch();
    else receive(added);
  }

  function reset(): void {
    stale.value = false;
    clearTimeout(flushTimer);
    flushTimer = undefined;
    incoming = [];
    pending.value = [];
    list.clear();
  }

  // Before the page is rendered, so that the rows arrive earlier.
  void list.refill();
  let isFirst = true;
  whileShown(() => {
    const stop = listen({ events: receive, changed: change, refetch });
    const stopFollowing = watch(filter, (next, _before, onCleanup) => onCleanup(follow(next)), { immediate: true });
    if (!isFirst) void (list.loaded.value ? catchUp() : list.refill());
    isFirst = false;
    return () => {
      stop();
      stopFollowing();
    };
  });
  watch(filter, () => {
    reset();
    void list.refill();
  });
  watch(isHeld, (held) => void (held || showPending()));
  onUnmounted(reset);

  return {
    ...list,
    showPending,
    /** Whether events were missed that `pendingCount` does not include. */
    stale: readonly(stale),
    /** The number of events held back. */
    pendingCount: computed(() => {
      const newest = list.items.value[0];
      const late = pending.value.filter((event) => newest !== undefined && !isNewer(event, newest));
      if (late.length === 0) return pending.value.length;
      // A page fetched in the meantime may already contain them.
      const known = new Set(list.items.value.map(({ id }) => id));
      return pending.value.length - late.filter(({ id }) => known.has(id)).length;
    }),
    hasOlder: computed(() => list.next.value !== null && list.items.value.length < MAX_ITEMS),
  };
}
