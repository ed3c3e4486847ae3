/** The events that come of a batch, as they arrive live: the way that every event goes. */

import { onUnmounted, shallowReadonly, shallowRef } from "vue";
import { listEvents } from "../../api/client";
import type { MailEvent } from "../../api/types";
import { follow, listen } from "../../live/feed";
import { merge } from "../../live/merge";
import { comesOf } from "./batch";

/** Kept, at most: as many as a batch may have. */
const MOST = 1_000;

export function useArrivals() {
  const arrived = shallowRef<readonly MailEvent[]>([]);
  let isOurs: (event: MailEvent) => boolean = () => false;

  function take(events: readonly MailEvent[]): void {
    arrived.value = merge(arrived.value, events.filter(isOurs), MOST);
  }

  /** What was missed while the line was cut; should that fail, the list of events has it. */
  async function refetch(): Promise<void> {
    const page = await listEvents(null, { simulated: "true" }).catch(() => null);
    if (page) take(page.items);
  }

  const stop = listen({ events: take, refetch: () => void refetch() });
  const unfollow = follow({ simulated: "true" });
  onUnmounted(() => {
    stop();
    unfollow();
  });

  return {
    arrived: shallowReadonly(arrived),
    /** Waits for what comes of these, and forgets the batch before. */
    await(events: readonly unknown[]): void {
      arrived.value = [];
      isOurs = comesOf(events);
    },
  };
}
