/** User preferences, stored in this browser and synced between tabs. */

import { computed, type Ref, ref, watch } from "vue";

/**
 * A preference with a fixed set of values; the first is the default. If storage is unavailable, it lasts until the page is closed.
 */
function storedChoice<Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Ref<Choice> {
  const choiceOf = (text: string | null): Choice => choices.find((choice) => choice === text) ?? choices[0];
  const choice = ref(choiceOf(read(name))) as Ref<Choice>;
  watch(choice, (value) => write(name, value));
  // Unit tests have no storage events.
  globalThis.addEventListener?.("storage", (event) => {
    if (event.key === name) choice.value = choiceOf(event.newValue);
  });
  return choice;
}

/** Reads a stored value; null if it is missing or storage is unavailable. */
export function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Stores a value if storage is available. */
export function write(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // In that case, the value lasts only until the page is closed.
  }
}

/** `public/early.js` also reads this value, before first paint. */
export const theme = storedChoice("theme", ["system", "light", "dark"]);
/** Whether times are shown as date and time, or relative to now. */
export const times = storedChoice("times", ["exact", "relative"]);
/** The time zone for displayed times. */
export const zone = storedChoice("zone", ["local", "utc"]);
const shortcutsChoice = storedChoice("shortcuts", ["on", "off"]);
/** Whether single-key shortcuts are on. They can be turned off because speech input or a tremor can trigger them by accident. */
export const shortcuts = computed({
  get: () => shortcutsChoice.value === "on",
  set: (on) => (shortcutsChoice.value = on ? "on" : "off"),
});
/** Whether desktop notifications are shown while the page is hidden. */
export const desktop = storedChoice("desktop", ["off", "on"]);
