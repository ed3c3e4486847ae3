import { onActivated, onDeactivated, onMounted, onUnmounted } from "vue";

/** Calls `start` when the component appears, also again after it was kept in the background, and the function that it returned when it disappears. */
export function whileShown(start: () => () => void): void {
  let stop: (() => void) | undefined;
  const begin = (): void => void (stop ??= start());
  const end = (): void => {
    stop?.();
    stop = undefined;
  };
  onMounted(begin);
  onActivated(begin);
  onDeactivated(end);
  onUnmounted(end);
}
