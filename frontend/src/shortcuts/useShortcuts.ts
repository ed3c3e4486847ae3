/** Shortcuts available on every page: navigation, search and the list of shortcuts. */

import { onUnmounted, ref } from "vue";
import { useRouter } from "vue-router";
import { searchEvents } from "./searchEvents";
import { useKeys } from "./keys";
import { pagesOfUser } from "../pages";

/** Whether the command palette is open. */
export const paletteShown = ref(false);
/** Whether the list of shortcuts is open. */
export const helpShown = ref(false);

export function useShortcuts(): void {
  const router = useRouter();

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
    "/": () => void searchEvents(router),
    "?": () => (helpShown.value = true),
  });
}
