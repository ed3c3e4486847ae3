/**
 * What waits for an admin, shown in the navigation: open items of the quarantine, and refused deliveries that seem to be Mandrill's. Refreshed on
 * navigation rather than on a timer.
 */

import { readonly, ref } from "vue";
import { listQuarantine, listRefusals } from "../api/client";
import type { QuarantineGroup } from "../api/types";

/** Minimum interval between requests, in milliseconds. */
const MIN_INTERVAL = 60_000;
/** Older refusals are history, in milliseconds. */
const RECENT = 86_400_000;

const open = ref(0);
const refused = ref(0);
let fetchedAt = -MIN_INTERVAL;

export const openQuarantineCount = readonly(open);
export const recentRefusalCount = readonly(refused);

/** Updates the count from a quarantine listing. */
export function setOpenGroups(groups: readonly QuarantineGroup[]): void {
  open.value = groups.reduce((sum, group) => sum + group.count, 0);
}

/** Refreshes the counts unless they are recent. If a request fails, the last count is kept. */
export async function refreshAttention(): Promise<void> {
  if (performance.now() - fetchedAt < MIN_INTERVAL) return;
  fetchedAt = performance.now();
  await Promise.allSettled([
    listQuarantine("open", null, null, 1).then((page) => setOpenGroups(page.open)),
    listRefusals(null).then(({ items }) => {
      const recent = items.filter(({ last_at: at }) => Date.parse(at) > Date.now() - RECENT);
      refused.value = recent.reduce((sum, { proven, likely }) => sum + proven + likely, 0);
    }),
  ]);
}
