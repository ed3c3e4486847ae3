/** Collects the events of a posted batch as they arrive over the live feed. */

import { onUnmounted, shallowReadonly, shallowRef } from "vue";
import { listEvents } from "../../api/client";
import type { MailEvent } from "../../api/types";
import { follow, listen } from "../../live/feed";
import { merge } from "../../live/merge";
import { batchMatcher } from "./batch";

/** The largest number of elements in a batch. */
const MAX_EVENTS = 1_000;

export function useArrivals() {
  const arrived = shallowRef<readonly MailEvent[]>([]);
  let belongsToBatch: (event: MailEvent) => boolean = () => false;

  function receive(events: readonly MailEvent[]): void {
    arrived.value = merge(arrived.value, events.filter(belongsToBatch), MAX_EVENTS);
  }

  /** Fetches the events missed while disconnected. Failures are ignored, because the event list still shows these events. */
  async function refetch(): Promise<void> {
    const page = await listEvents(null, { simulated: "true" }).catch(() => null);
    if (page) receive(page.items);
  }

  const stop = listen({ events: receive, refetch: () => void refetch() });
  const unfollow = follow({ simulated: "true" });
  onUnmounted(() => {
    stop();
    unfollow();
  });

  return {
    arrived: shallowReadonly(arrived),
    /** Starts collecting the events of this batch, and discards those of the previous batch. */
    expectBatch(elements: readonly unknown[]): void {
      arrived.value = [];
      belongsToBatch = batchMatcher(elements);
    },
  };
}
