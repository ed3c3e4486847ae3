/** Shortcuts available on every page: navigation, search and the list of shortcuts. */

import { nextTick, ref } from "vue";
import { useRouter } from "vue-router";
import { useKeys } from "./keys";
import { destinationsFor } from "./destinations";

/** Number of animation frames to wait for the search field. */
const MAX_FRAMES = 300;

/** Whether the list of shortcuts is open. */
export const helpShown = ref(false);

export function useShortcuts(): void {
  const router = useRouter();

  async function search(): Promise<void> {
    const field = (): HTMLInputElement | null => document.querySelector("main input[type=search]");
    if (field() === null) {
      await router.push("/");
      // The router focuses the page title first.
      await nextTick();
    }
    for (let frame = 0; frame < MAX_FRAMES && field() === null && router.currentRoute.value.path === "/"; frame++)
      await new Promise(requestAnimationFrame);
    field()?.focus();
    field()?.select();
  }

  useKeys({
    ...Object.fromEntries(destinationsFor(router).map(({ key, path }) => [`g ${key}`, () => void router.push(path)])),
    "/": () => void search(),
    "?": () => (helpShown.value = true),
  });
}
