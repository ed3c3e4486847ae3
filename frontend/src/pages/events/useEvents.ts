/** The list of events: pages from the server and what arrives live, each event once, newest first. */

import { computed, onUnmounted, readonly, ref, shallowRef, watch } from "vue";
import * as api from "../../api/client";
import type { Filter, MailEvent } from "../../api/types";
import { follow, listen } from "../../live/feed";
import { liveList } from "../../live/list";
import { isNewer, merge } from "../../live/merge";

/** The longest list kept in the page; older ones are fetched again when wanted. */
const MOST = 100_000;
/** In a burst, what arrives is shown so often; what comes alone is shown at once. */
const SHOW_EVERY = 150;

/** While `holds` says that somebody reads, new events wait, so that what they read does not move. */
export function useEvents(filter: () => Filter, holds: () => boolean) {
  const list = liveList<MailEvent>((cursor) => api.listEvents(cursor, filter()), MOST);
  /** What waits, newest first. */
  const held = shallowRef<readonly MailEvent[]>([]);
  /** What was missed meanwhile is not known, and is to be fetched. */
  const missed = ref(false);
  let arriving: MailEvent[] = [];
  let showing: ReturnType<typeof setTimeout> | undefined;
  let shownAt = 0;

  function take(arrived: readonly MailEvent[]): void {
    arriving.push(...arrived);
    const wait = shownAt + SHOW_EVERY - Date.now();
    if (wait <= 0) show();
    else showing ??= setTimeout(show, wait);
  }

  function show(): void {
    clearTimeout(showing);
    showing = undefined;
    shownAt = Date.now();
    held.value = merge(held.value, arriving, MOST);
    arriving = [];
    if (!holds()) letIn();
  }

  function letIn(): void {
    if (missed.value) {
      missed.value = false;
      void list.refill();
    }
    if (held.value.length === 0) return;
    list.add(held.value);
    held.value = [];
  }

  /** To fetch anew moves rows as well, so it waits, too. */
  function refetch(): void {
    if (holds() && list.loaded.value) missed.value = true;
    else void list.refill();
  }

  function forget(): void {
    missed.value = false;
    clearTimeout(showing);
    showing = undefined;
    arriving = [];
    held.value = [];
    list.clear();
  }

  const stop = listen({ events: take, refetch });
  let unfollow = follow(filter());
  void list.refill();
  watch(filter, (wanted) => {
    forget();
    unfollow = follow(wanted);
    void list.refill();
  });
  watch(holds, (is) => void (is || letIn()));
  onUnmounted(() => {
    stop();
    unfollow();
    forget();
  });

  return {
    ...list,
    letIn,
    /** More wait above than are counted. */
    missed: readonly(missed),
    /** How many wait above. */
    waiting: computed(() => {
      const newest = list.items.value[0];
      const late = held.value.filter((event) => newest !== undefined && !isNewer(event, newest));
      if (late.length === 0) return held.value.length;
      // They may be known already, by a page that was fetched since.
      const known = new Set(list.items.value.map(({ id }) => id));
      return held.value.length - late.filter(({ id }) => known.has(id)).length;
    }),
    hasOlder: computed(() => list.next.value !== null && list.items.value.length < MOST),
  };
}
