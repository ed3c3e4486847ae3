/** Number of open quarantine items, shown in the navigation. It is refreshed on navigation rather than on a timer. */

import { readonly, ref } from "vue";
import { listQuarantine } from "../api/client";
import type { QuarantineGroup } from "../api/types";

/** Minimum interval between requests, in milliseconds. */
const MIN_INTERVAL = 60_000;

const count = ref(0);
let fetchedAt = -MIN_INTERVAL;

export const openQuarantineCount = readonly(count);

/** Updates the count from a quarantine listing. */
export function setOpenGroups(open: readonly QuarantineGroup[]): void {
  count.value = open.reduce((sum, group) => sum + group.count, 0);
  fetchedAt = performance.now();
}

/** Refreshes the count unless it is recent. If the request fails, the last count is kept. */
export async function refreshOpenCount(): Promise<void> {
  if (performance.now() - fetchedAt < MIN_INTERVAL) return;
  fetchedAt = performance.now();
  await listQuarantine("open", null, null, 1).then(
    ({ open }) => setOpenGroups(open),
    () => {},
  );
}
