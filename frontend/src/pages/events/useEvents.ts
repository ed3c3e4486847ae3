/** The list of events: pages from the server and what arrives live, each event once, newest first. */

import { computed, onUnmounted, shallowRef, watch } from "vue";
import * as api from "../../api/client";
import type { MailEvent } from "../../api/types";
import { follow, listen } from "../../live/feed";
import { liveList } from "../../live/list";
import { merge } from "../../live/merge";
import type { Filter } from "./filter";

/** The longest list kept in the page; older ones are fetched again when wanted. */
const MOST = 5_000;
/** Further down than this, the reader is reading, and new rows wait. */
const READING = 40;

export function useEvents(filter: () => Filter) {
  const list = liveList<MailEvent>((cursor) => api.listEvents(cursor, filter()), MOST);
  /** What arrived while the reader was further down; it waits, so that what they read does not move. */
  const held = shallowRef<readonly MailEvent[]>([]);

  function take(arrived: readonly MailEvent[]): void {
    held.value = merge(held.value, arrived, MOST);
    if (scrollY <= READING) letIn();
  }

  function letIn(): void {
    if (held.value.length === 0) return;
    list.add(held.value);
    held.value = [];
  }

  /** Whoever comes back to the top has finished reading. */
  function whenScrolled(): void {
    if (scrollY <= READING) letIn();
  }

  /** Lets in what waits, and shows it. */
  function release(): void {
    letIn();
    scrollTo({ top: 0 });
  }

  const stop = listen({ events: take, refetch: () => void list.refill() });
  let unfollow = follow(filter());
  void list.refill();
  watch(filter, (wanted) => {
    held.value = [];
    list.clear();
    unfollow = follow(wanted);
    void list.refill();
  });
  addEventListener("scroll", whenScrolled, { passive: true });
  onUnmounted(() => {
    stop();
    unfollow();
    removeEventListener("scroll", whenScrolled);
    list.clear();
  });

  return {
    ...list,
    release,
    /** How many wait above. */
    waiting: computed(() => {
      const known = new Set(list.items.value.map((event) => event.id));
      return held.value.filter((event) => !known.has(event.id)).length;
    }),
    hasOlder: computed(() => list.next.value !== null && list.items.value.length < MOST),
  };
}
