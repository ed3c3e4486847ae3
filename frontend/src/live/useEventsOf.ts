/** The events of a page about a person or a name: pages from the server merged with the live feed. */

import { computed, onUnmounted, watch } from "vue";
import * as api from "../api/client";
import type { Filter, MailEvent } from "../api/types";
import { follow, listen } from "./feed";
import { liveList } from "./list";

const MAX_ITEMS = 2_000;
/** Minimum interval between calls of `onChange` in a burst, in milliseconds. */
const CHANGE_INTERVAL = 1_000;

/** Compares addresses as the server does: ignoring the case of ASCII letters. */
export function isSameAddress(a: string, b: string): boolean {
  const folded = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return folded(a) === folded(b);
}

/** `matches` tells whether the filter selects a live event. `onChange` is called when there are new events. */
export function useEventsOf(filter: () => Filter, matches: (event: MailEvent) => boolean, onChange: () => void) {
  const list = liveList<MailEvent>((cursor) => api.listEvents(cursor, filter()), MAX_ITEMS);
  let changeTimer: ReturnType<typeof setTimeout> | undefined;

  function receive(arrived: readonly MailEvent[]): void {
    const matching = arrived.filter(matches);
    if (matching.length === 0) return;
    list.add(matching);
    changeTimer ??= setTimeout(() => {
      changeTimer = undefined;
      onChange();
    }, CHANGE_INTERVAL);
  }

  /** Clears the list and loads it again. */
  function refill(): Promise<void> {
    list.clear();
    return list.refill();
  }

  const stop = listen({ events: receive, refetch: () => (onChange(), void list.refill()) });
  watch(
    filter,
    (next, _before, onCleanup) => {
      onCleanup(follow(next));
      void refill();
    },
    { immediate: true },
  );
  onUnmounted(() => {
    stop();
    clearTimeout(changeTimer);
    list.clear();
  });
  return {
    items: list.items,
    loading: list.loading,
    problem: list.problem,
    older: list.older,
    searchedTo: list.searchedTo,
    hasOlder: computed(() => list.next.value !== null && list.items.value.length < MAX_ITEMS),
    refill,
  };
}
