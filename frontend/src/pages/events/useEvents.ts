/** The list of events: pages from the server and what arrives live, each event once, newest first. */

import { computed, onUnmounted, shallowRef } from "vue";
import * as api from "../../api/client";
import type { MailEvent } from "../../api/types";
import { listen } from "../../live/feed";
import { liveList } from "../../live/list";
import { merge } from "../../live/merge";

/** The longest list kept in the page; older ones are fetched again when wanted. */
const MOST = 5_000;
/** Further down than this, the reader is reading, and new rows wait. */
const READING = 40;

export function useEvents() {
  const list = liveList<MailEvent>(api.listEvents, MOST);
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
  void list.refill();
  addEventListener("scroll", whenScrolled, { passive: true });
  onUnmounted(() => {
    stop();
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
