/** Moving through the rows by keyboard. One row at a time can be reached by Tab, and so can what is in it. */

import { computed, nextTick, type Ref, ref } from "vue";
import type { MailEvent } from "../../api/types";

const PAGE = 10;

/** `reveal` brings a row into view before it gets the focus. */
export function useRowFocus(
  table: Ref<HTMLElement | null>,
  items: () => readonly MailEvent[],
  reveal: (index: number) => void,
) {
  /** The row that has the focus, or had it last. */
  const current = ref<number | null>(null);
  const index = computed(() => (current.value === null ? -1 : items().findIndex(({ id }) => id === current.value)));

  async function focusAt(wanted: number): Promise<boolean> {
    const event = items()[Math.min(Math.max(0, wanted), items().length - 1)];
    if (event === undefined) return false;
    current.value = event.id;
    await nextTick();
    reveal(index.value);
    await nextTick();
    table.value?.querySelector<HTMLElement>(`[data-id="${event.id}"]`)?.focus({ preventScroll: true });
    return true;
  }

  /** Gives whether there is such a row. */
  async function focusRow(id: number): Promise<boolean> {
    const at = items().findIndex((event) => event.id === id);
    return at >= 0 && focusAt(at);
  }

  /** The row that a key leads to. */
  function target(key: string): number | null {
    const at = Math.max(0, index.value);
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

  /** Moves, if the key is one that moves. */
  function move(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const wanted = target(event.key);
    if (wanted === null) return;
    event.preventDefault();
    void focusAt(wanted);
  }

  return { current, index, focusAt, focusRow, move };
}
