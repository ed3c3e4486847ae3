/** The rows that the user selected, by the id of their event. */

import { computed, shallowRef } from "vue";
import type { MailEvent } from "../../api/types";

/** More would make the address of an export too long. */
export const MAX_SELECTED = 500;

export function useSelection(items: () => readonly MailEvent[]) {
  const ids = shallowRef<ReadonlySet<number>>(new Set());
  /** Where a range that is extended with Shift begins. */
  let anchor: number | null = null;

  function set(next: Iterable<number>): void {
    ids.value = new Set([...next].slice(0, MAX_SELECTED));
  }

  /** Selects an event, or ends its selection. */
  function toggle(id: number): void {
    anchor = id;
    set(ids.value.has(id) ? [...ids.value].filter((one) => one !== id) : [...ids.value, id]);
  }

  /** Selects the events from the last one that was toggled up to this one. */
  function extend(id: number): void {
    const positionOf = (wanted: number | null): number => items().findIndex((event) => event.id === wanted);
    const [from, to] = [positionOf(anchor), positionOf(id)];
    if (from < 0 || to < 0) {
      anchor = id;
      set([...ids.value, id]);
      return;
    }
    const between = items().slice(Math.min(from, to), Math.max(from, to) + 1);
    set([...ids.value, ...between.map((event) => event.id)]);
  }

  return {
    selected: ids,
    isFull: computed(() => ids.value.size >= MAX_SELECTED),
    toggle,
    extend,
    clear: () => set([]),
  };
}
