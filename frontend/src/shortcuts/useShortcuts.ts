/** Shortcuts available on every page: navigation, search and the list of shortcuts. */

import { nextTick, onUnmounted, ref } from "vue";
import { useRouter } from "vue-router";
import { useKeys } from "./keys";
import { pagesOfUser } from "../pages";

/** Number of animation frames to wait for the search field. */
const MAX_FRAMES = 300;

/** Whether the command palette is open. */
export const paletteShown = ref(false);
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

  /** Unlike single keys, this works in text fields and cannot be turned off, because nobody presses it by accident. */
  function onKeyDown(event: KeyboardEvent): void {
    const isPalette =
      event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!isPalette || document.querySelector("dialog[open]") !== null) return;
    event.preventDefault();
    paletteShown.value = true;
  }
  addEventListener("keydown", onKeyDown);
  onUnmounted(() => removeEventListener("keydown", onKeyDown));

  useKeys({
    ...Object.fromEntries(
      pagesOfUser().flatMap(({ key, path }) => (key ? [[`g ${key}`, () => void router.push(path)]] : [])),
    ),
    "/": () => void search(),
    "?": () => (helpShown.value = true),
  });
}
