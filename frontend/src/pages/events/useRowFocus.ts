/** Keyboard navigation between rows. Tab reaches only one row at a time, and the values in that row. */

import { computed, nextTick, type Ref, ref } from "vue";
import type { MailEvent } from "../../api/types";

const PAGE = 10;

/** `reveal` scrolls a row into view before it receives focus. */
export function useRowFocus(
  table: Ref<HTMLElement | null>,
  items: () => readonly MailEvent[],
  reveal: (index: number) => void,
) {
  /** The event whose row is focused or was focused last. */
  const currentId = ref<number | null>(null);
  const currentIndex = computed(() =>
    currentId.value === null ? -1 : items().findIndex(({ id }) => id === currentId.value),
  );

  async function focusAt(index: number): Promise<boolean> {
    const event = items()[Math.min(Math.max(0, index), items().length - 1)];
    if (event === undefined) return false;
    currentId.value = event.id;
    await nextTick();
    reveal(currentIndex.value);
    await nextTick();
    table.value?.querySelector<HTMLElement>(`[data-id="${event.id}"]`)?.focus({ preventScroll: true });
    return true;
  }

  /** Returns whether the list contains the event. */
  async function focusRow(id: number): Promise<boolean> {
    const index = items().findIndex((event) => event.id === id);
    return index >= 0 && focusAt(index);
  }

  /** Focuses the event's row if it is on the screen, without scrolling. */
  function focusIfShown(id: number): void {
    const row = table.value?.querySelector<HTMLElement>(`[data-id="${id}"]`);
    const box = row?.getBoundingClientRect();
    if (row && box && box.top >= 0 && box.bottom <= innerHeight) row.focus({ preventScroll: true });
  }

  /** The index to which a key moves; null for any other key. */
  function targetOf(key: string): number | null {
    const at = Math.max(0, currentIndex.value);
    switch (key) {
      case "ArrowDown":
      case "j":
        return at + 1;
      case "ArrowUp":
      case "k":
        return at - 1;
      case "PageDown":
        return at + PAGE;
      case "PageUp":
        return at - PAGE;
      case "Home":
        return 0;
      case "End":
        return items().length - 1;
      default:
        return null;
    }
  }

  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = targetOf(event.key);
    if (target === null) return;
    event.preventDefault();
    void focusAt(target);
  }

  return { currentId, currentIndex, focusAt, focusIfShown, focusRow, onKey };
}
