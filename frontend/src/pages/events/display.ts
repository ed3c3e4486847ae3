/** Display settings for the list, stored in this browser. */

import { computed, ref, watch } from "vue";
import { read, write } from "../../preferences";
import { COLUMNS } from "./columns";

interface Display {
  readonly columns: readonly string[];
  readonly compact: boolean;
}

const KEY = "events look";
const DEFAULTS: Display = { columns: COLUMNS.filter(({ isDefault }) => isDefault).map(({ id }) => id), compact: false };

/** Parses stored settings. Invalid parts fall back to the defaults. */
export function parseDisplay(stored: string | null): Display {
  try {
    const { columns, compact } = JSON.parse(stored ?? "{}") as Partial<Record<keyof Display, unknown>>;
    const known = Array.isArray(columns) ? COLUMNS.filter(({ id }) => columns.includes(id)).map(({ id }) => id) : [];
    return { columns: known.length > 0 ? known : DEFAULTS.columns, compact: compact === true };
  } catch {
    return DEFAULTS;
  }
}

export const display = ref<Display>(parseDisplay(read(KEY)));
watch(display, (settings) => write(KEY, JSON.stringify(settings)));

/** The selected columns, in display order. */
export const columns = computed(() => COLUMNS.filter(({ id }) => display.value.columns.includes(id)));

/** Shows or hides a column. The last one cannot be hidden. */
export function showColumn(id: string, shown: boolean): void {
  const others = display.value.columns.filter((other) => other !== id);
  const next = shown ? [...others, id] : others;
  if (next.length > 0) display.value = { ...display.value, columns: next };
}
