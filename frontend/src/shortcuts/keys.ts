/** Keys that do something wherever the focus is, but where somebody types. They can be switched off. */

import { onUnmounted } from "vue";
import { shortcuts } from "../preferences";

/** Between the two keys of one such as `g e`. */
const PAUSE = 1_500;

export type Bindings = Readonly<Record<string, () => void>>;

/** Takes keys one by one, and gives what they do: what is bound to `?`, or to `g e` after both. */
export function reader(bindings: Bindings): (key: string, at: number) => (() => void) | "begun" | null {
  let first: string | null = null;
  let since = 0;
  return (key, at) => {
    const whole = first !== null && at - since <= PAUSE ? `${first} ${key}` : key;
    first = null;
    if (Object.hasOwn(bindings, whole)) return bindings[whole] ?? null;
    if (!Object.keys(bindings).some((name) => name.startsWith(`${key} `))) return null;
    [first, since] = [key, at];
    return "begun";
  };
}

/** Whether a key belongs to what it was pressed in: a field, a dialog, a menu. */
function isTaken(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest("input, textarea, select, dialog, :popover-open") !== null;
}

/** Binds keys as long as the component is there. */
export function useKeys(bindings: Bindings): void {
  const read = reader(bindings);
  function press(event: KeyboardEvent): void {
    const { key, target } = event;
    if (!shortcuts.value || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    // Shift alone is on the way to a key.
    if (event.defaultPrevented || event.repeat || key.length > 1 || isTaken(target)) return;
    if (document.querySelector("dialog[open]") !== null) return;
    const found = read(key, event.timeStamp);
    if (found === null) return;
    event.preventDefault();
    if (found !== "begun") found();
  }
  addEventListener("keydown", press);
  onUnmounted(() => removeEventListener("keydown", press));
}
