/** Selects bars of a chart by dragging or by keyboard. */

import { computed, ref } from "vue";

/** `onSelect` receives the indices of the first and the last selected bar. */
export function useBrush(count: () => number, onSelect: (first: number, last: number) => void) {
  /** The bar under the pointer or the keyboard cursor. */
  const current = ref<number | null>(null);
  /** The bar where the selection began. */
  const anchor = ref<number | null>(null);
  const dragging = ref(false);

  /** The bars selected so far. */
  const span = computed(() => {
    if (current.value === null) return null;
    const other = anchor.value ?? current.value;
    return { first: Math.min(current.value, other), last: Math.max(current.value, other) };
  });

  function clamp(index: number): number {
    return Math.min(Math.max(0, index), count() - 1);
  }

  function onPointerMove(event: PointerEvent): void {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    current.value = clamp(Math.floor(((event.clientX - box.left) / box.width) * count()));
  }

  function onPointerDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    onPointerMove(event);
    anchor.value = current.value;
    dragging.value = true;
  }

  function onPointerUp(): void {
    if (dragging.value) commit();
  }

  function commit(): void {
    const selected = span.value;
    reset();
    if (selected) onSelect(selected.first, selected.last);
  }

  function reset(): void {
    dragging.value = false;
    anchor.value = null;
    current.value = null;
  }

  function onPointerLeave(): void {
    if (!dragging.value) reset();
  }

  function onKey(event: KeyboardEvent): void {
    const from = current.value ?? count() - 1;
    const target = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: count() - 1 }[event.key];
    if (target !== undefined) {
      anchor.value = event.shiftKey ? (anchor.value ?? from) : null;
      current.value = clamp(target);
    } else if (event.key === "Enter") {
      commit();
    } else if (event.key === "Escape" && current.value !== null) {
      reset();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Keyboard focus starts at the newest bar. */
  function onFocus(event: FocusEvent): void {
    if ((event.currentTarget as HTMLElement).matches(":focus-visible")) current.value ??= count() - 1;
  }

  return { current, span, onPointerMove, onPointerDown, onPointerUp, onPointerLeave, onKey, onFocus, reset };
}
