/** Choosing bars of a chart, by dragging over them or by keyboard. */

import { computed, ref } from "vue";

/** `count` bars; `chosen` is told the first and the last of what was chosen. */
export function useBrush(count: () => number, chosen: (first: number, last: number) => void) {
  /** The bar that is pointed at, and the one where choosing began. */
  const at = ref<number | null>(null);
  const begun = ref<number | null>(null);
  const dragging = ref(false);

  /** What is chosen so far. */
  const span = computed(() => {
    if (at.value === null) return null;
    const other = begun.value ?? at.value;
    return { first: Math.min(at.value, other), last: Math.max(at.value, other) };
  });

  function within(index: number): number {
    return Math.min(Math.max(0, index), count() - 1);
  }

  function point(event: PointerEvent): void {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    at.value = within(Math.floor(((event.clientX - box.left) / box.width) * count()));
  }

  function press(event: PointerEvent): void {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    point(event);
    begun.value = at.value;
    dragging.value = true;
  }

  function release(): void {
    if (dragging.value) finish();
  }

  function finish(): void {
    const found = span.value;
    forget();
    if (found) chosen(found.first, found.last);
  }

  function forget(): void {
    dragging.value = false;
    begun.value = null;
    at.value = null;
  }

  function leave(): void {
    if (!dragging.value) forget();
  }

  function key(event: KeyboardEvent): void {
    const now = at.value ?? count() - 1;
    const target = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: count() - 1 }[event.key];
    if (target !== undefined) {
      begun.value = event.shiftKey ? (begun.value ?? now) : null;
      at.value = within(target);
    } else if (event.key === "Enter") {
      finish();
    } else if (event.key === "Escape" && at.value !== null) {
      forget();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Begins at the newest for whoever comes by keyboard. */
  function focus(event: FocusEvent): void {
    if ((event.currentTarget as HTMLElement).matches(":focus-visible")) at.value ??= count() - 1;
  }

  return { at, span, point, press, release, forget, leave, key, focus };
}
