/** Single keys that do something wherever the focus is, but where somebody types; they can be switched off. */

import { onUnmounted } from "vue";
import { look } from "./look";

export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  function press(event: KeyboardEvent): void {
    const { target, key } = event;
    if (!look.value.keys || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (target instanceof Element && target.closest("input, textarea, select, dialog, [popover], [contenteditable]"))
      return;
    if (!Object.hasOwn(keys, key)) return;
    event.preventDefault();
    keys[key]?.();
  }
  addEventListener("keydown", press);
  onUnmounted(() => removeEventListener("keydown", press));
}
