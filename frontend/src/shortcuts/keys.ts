/** Keyboard shortcuts that work everywhere except in text fields, dialogs and menus. The user can turn them off. */

import { whileShown } from "../components/whileShown";
import { shortcuts } from "../preferences";

/** Maximum time between the keys of a sequence such as `g e`, in milliseconds. */
const SEQUENCE_TIMEOUT = 1_500;

export type Bindings = Readonly<Record<string, () => void>>;

/** Matches single keys such as `?` and sequences such as `g e`. Returns "pending" after the first key of a sequence. */
export function keyMatcher(bindings: Bindings): (key: string, at: number) => (() => void) | "pending" | null {
  let first: string | null = null;
  let since = 0;
  return (key, at) => {
    const sequence = first !== null && at - since <= SEQUENCE_TIMEOUT ? `${first} ${key}` : key;
    first = null;
    if (Object.hasOwn(bindings, sequence)) return bindings[sequence] ?? null;
    if (!Object.keys(bindings).some((name) => name.startsWith(`${key} `))) return null;
    [first, since] = [key, at];
    return "pending";
  };
}

/** Whether the element handles keys itself: a field, a dialog or a menu. */
function handlesKeys(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest("input, textarea, select, dialog, :popover-open") !== null;
}

/** Binds keys while the component is shown. */
export function useKeys(bindings: Bindings): void {
  const match = keyMatcher(bindings);
  function onKeyDown(event: KeyboardEvent): void {
    const { key, target } = event;
    if (!shortcuts.value || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    // Names longer than one character are special keys, such as Shift on its own.
    if (event.defaultPrevented || event.repeat || key.length > 1 || handlesKeys(target)) return;
    if (document.querySelector("dialog[open]") !== null) return;
    const action = match(key, event.timeStamp);
    if (action === null) return;
    event.preventDefault();
    if (action !== "pending") action();
  }
  whileShown(() => {
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  });
}
