/** The keys of every page: to any other, to the search, and to what keys there are. */

import { nextTick, ref } from "vue";
import { useRouter } from "vue-router";
import { useKeys } from "./keys";
import { placesOf } from "./places";

/** So many frames are waited for the field. */
const FRAMES = 300;

/** Whether the list of keys is shown. */
export const helpShown = ref(false);

export function useShortcuts(): void {
  const router = useRouter();

  async function search(): Promise<void> {
    const field = (): HTMLElement | null => document.querySelector("main input[type=search]");
    if (field() === null) {
      await router.push("/");
      // The page's title gets the focus first.
      await nextTick();
    }
    for (let frame = 0; frame < FRAMES && field() === null && router.currentRoute.value.path === "/"; frame++)
      await new Promise(requestAnimationFrame);
    field()?.focus();
  }

  useKeys({
    ...Object.fromEntries(placesOf(router).map(({ key, path }) => [`g ${key}`, () => void router.push(path)])),
    "/": () => void search(),
    "?": () => (helpShown.value = true),
  });
}
