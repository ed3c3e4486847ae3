/** The chosen one of the suggestions below a field. The focus stays in the field. */

import { nextTick, ref } from "vue";

/** `first` is the initial position: 0, or -1 if none is chosen at first. */
export function useChoice(count: () => number, first: 0 | -1) {
  const chosen = ref<number>(first);

  /** Moves the choice, from the end to the beginning and back. */
  function move(by: number): void {
    const places = count() - first;
    if (places > 0) chosen.value = ((chosen.value - first + by + places) % places) + first;
  }

  function reset(): void {
    chosen.value = first;
  }

  /** Scrolls the list so that the choice is visible. */
  async function reveal(list: HTMLElement | null): Promise<void> {
    await nextTick();
    list?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  return { chosen, move, reset, reveal };
}
