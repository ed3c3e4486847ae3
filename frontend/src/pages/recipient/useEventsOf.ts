/** The events of one address: pages from the server and what arrives live. */

import { computed, onUnmounted, watch } from "vue";
import * as api from "../../api/client";
import type { MailEvent } from "../../api/types";
import { follow, listen } from "../../live/feed";
import { liveList } from "../../live/list";

const MOST = 2_000;
/** In a burst, what else changes with new events is asked for so often. */
const TELL_EVERY = 1_000;

/** As the server compares addresses: without regard to the case of ASCII letters. */
export function isSameAddress(one: string, other: string): boolean {
  const folded = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return folded(one) === folded(other);
}

/** `changed` is called when the address has new events. */
export function useEventsOf(email: () => string, changed: () => void) {
  const list = liveList<MailEvent>((cursor) => api.listEvents(cursor, { recipient: email() }), MOST);
  let telling: ReturnType<typeof setTimeout> | undefined;

  function take(arrived: readonly MailEvent[]): void {
    const own = arrived.filter((event) => event.recipient !== null && isSameAddress(event.recipient, email()));
    if (own.length === 0) return;
    list.add(own);
    telling ??= setTimeout(() => {
      telling = undefined;
      changed();
    }, TELL_EVERY);
  }

  const stop = listen({ events: take, refetch: () => (changed(), void list.refill()) });
  watch(email, (recipient, _before, onCleanup) => onCleanup(follow({ recipient })), { immediate: true });
  onUnmounted(() => {
    stop();
    clearTimeout(telling);
    list.clear();
  });
  return {
    items: list.items,
    loading: list.loading,
    problem: list.problem,
    older: list.older,
    hasOlder: computed(() => list.next.value !== null && list.items.value.length < MOST),
    /** Begins anew, as for another address. */
    refill(): Promise<void> {
      list.clear();
      return list.refill();
    },
  };
}
