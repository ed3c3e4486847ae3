/** How many items of the quarantine are open, for the navigation. Asked for as somebody moves about, and not by a clock. */

import { readonly, ref } from "vue";
import { listQuarantine } from "../api/client";
import type { QuarantineGroup } from "../api/types";

/** What was told less than so long ago is not asked for again. */
const FRESH = 60_000;

const count = ref(0);
let toldAt = -FRESH;

export const quarantined = readonly(count);

/** Takes what a list of the quarantine says is open. */
export function takeOpen(open: readonly QuarantineGroup[]): void {
  count.value = open.reduce((sum, group) => sum + group.count, 0);
  toldAt = performance.now();
}

/** Asks, unless that is known. Without an answer, what was told last stays. */
export async function askQuarantined(): Promise<void> {
  if (performance.now() - toldAt < FRESH) return;
  toldAt = performance.now();
  await listQuarantine("open", null, null, 1).then(
    ({ open }) => takeOpen(open),
    () => {},
  );
}
