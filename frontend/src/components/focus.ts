/** Focus handling after an element is removed. */

import { nextTick } from "vue";

/** Moves the focus to the page if the element that opened a dialog was removed. */
export async function keepFocus(): Promise<void> {
  await nextTick();
  if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
}
