/** How somebody likes the list to look. Kept in this browser, unlike what is shown. */

import { computed, ref, watch } from "vue";
import { read, write } from "../../preferences";
import { COLUMNS } from "./columns";

interface Look {
  readonly columns: readonly string[];
  readonly compact: boolean;
}

const KEY = "events look";
const USUAL: Look = { columns: COLUMNS.filter(({ usual }) => usual).map(({ id }) => id), compact: false };

/** What was kept; anything that makes no sense in it is as usual. */
export function lookOf(kept: string | null): Look {
  try {
    const { columns, compact } = JSON.parse(kept ?? "{}") as Partial<Record<keyof Look, unknown>>;
    const known = Array.isArray(columns) ? COLUMNS.filter(({ id }) => columns.includes(id)).map(({ id }) => id) : [];
    return { columns: known.length > 0 ? known : USUAL.columns, compact: compact === true };
  } catch {
    return USUAL;
  }
}

export const look = ref<Look>(lookOf(read(KEY)));
watch(look, (now) => write(KEY, JSON.stringify(now)));

/** The columns chosen, in their order. */
export const columns = computed(() => COLUMNS.filter(({ id }) => look.value.columns.includes(id)));

/** Shows or hides a column; one always stays. */
export function showColumn(id: string, shown: boolean): void {
  const others = look.value.columns.filter((other) => other !== id);
  const next = shown ? [...others, id] : others;
  if (next.length > 0) look.value = { ...look.value, columns: next };
}
