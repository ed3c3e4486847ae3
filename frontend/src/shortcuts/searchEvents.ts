/** Moves the focus into the search field of the events page. */

import { nextTick } from "vue";
import type { Router } from "vue-router";

/** Number of animation frames to wait for the search field. */
const MAX_FRAMES = 300;

/** Opens the events page at `path` first, unless no path is given and a search field is there. */
export async function searchEvents(router: Router, path?: string): Promise<void> {
  const field = (): HTMLInputElement | null => document.querySelector("main input[type=search]");
  if (path !== undefined || field() === null) {
    await router.push(path ?? "/");
    // The router focuses the page title first.
    await nextTick();
  }
  for (let frame = 0; frame < MAX_FRAMES && field() === null && router.currentRoute.value.path === "/"; frame++)
    await new Promise(requestAnimationFrame);
  field()?.focus();
  field()?.select();
}
