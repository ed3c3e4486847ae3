/** Where the focus goes when what had it is gone. */

import { nextTick } from "vue";

/** Gives the focus to the page, if what a dialog was opened from is no longer there. */
export async function keepFocus(): Promise<void> {
  await nextTick();
  if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
}
