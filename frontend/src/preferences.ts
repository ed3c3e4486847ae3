/** What a reader has chosen, kept in this browser. What is chosen in one tab holds in the others at once. */

import { computed, type Ref, ref, watch } from "vue";

/** One of a few words, by name. A browser that keeps nothing forgets it with the page. */
function kept<Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Ref<Choice> {
  const choiceOf = (text: string | null): Choice => choices.find((choice) => choice === text) ?? choices[0];
  const choice = ref(choiceOf(read(name))) as Ref<Choice>;
  watch(choice, (now) => write(name, now));
  // Where there are no other tabs, as under unit tests, there is nothing to listen to.
  globalThis.addEventListener?.("storage", (event) => {
    if (event.key === name) choice.value = choiceOf(event.newValue);
  });
  return choice;
}

/** What was kept under a name, if the browser keeps anything. */
export function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Keeps it. */
export function write(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It then holds for this page alone.
  }
}

/** `index.html` reads this before anything is painted. */
export const theme = kept("theme", ["system", "light", "dark"]);
/** In which zone times are told. */
export const zone = kept("zone", ["local", "utc"]);
const keys = kept("shortcuts", ["on", "off"]);
/** Whether single keys do something: whoever dictates, or has a tremor, may not want that. */
export const shortcuts = computed({
  get: () => keys.value === "on",
  set: (on) => (keys.value = on ? "on" : "off"),
});
/** Whether notifications are shown outside the page, while it is hidden. */
export const desktop = kept("desktop", ["off", "on"]);
