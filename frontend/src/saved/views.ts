/** Saved views, and which of them the events page shows: the one that was opened last, also once its filter was changed. */

import { computed, shallowReadonly, shallowRef } from "vue";
import type { LocationQuery } from "vue-router";
import { addView, changeView, listViews, removeView, type SavedView, type ViewContent } from "../api/views";
import { currentUser } from "../session";

const list = shallowRef<readonly SavedView[]>([]);
/** The query of the events page, while that is shown. */
const here = shallowRef<string | null>(null);

/** One's own, and those that are shared, by name. */
export const views = shallowReadonly(list);

/** Of an address, what a view keeps: not which event happens to be open. In one order, so that the same is the same text. */
export function keptOf(query: LocationQuery): string {
  const kept = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (name === "event") continue;
    for (const one of [value].flat().sort()) kept.append(name, one ?? "");
  }
  kept.sort();
  return kept.toString();
}

/** Where the reader is now; the router says so. */
export function nowAt(path: string, query: LocationQuery): void {
  here.value = path === "/" ? keptOf(query) : null;
}

const opened = computed<number | null>((before) => {
  const query = here.value;
  if (query === null) return before ?? null;
  if (query === "") return null;
  const same = list.value.filter((view) => view.query === query);
  return (same.find(({ id }) => id === before) ?? same[0])?.id ?? before ?? null;
});

/** The view that the events page shows, if any. */
export const current = computed(() =>
  here.value === null ? null : (list.value.find(({ id }) => id === opened.value) ?? null),
);
/** Whether what is shown is no longer what the view keeps. */
export const isChanged = computed(() => current.value !== null && current.value.query !== here.value);
/** What could be saved now: the filter that is shown, if it filters anything. */
export const unsaved = computed(() => (here.value !== null && here.value !== "" ? here.value : null));

/** Whether the signed-in user may change it: their own, and admins also what others share. */
export function mayChange(view: SavedView): boolean {
  return view.mine || currentUser.value?.role === "admin";
}

/** @throws {Problem} as all below. */
export async function loadViews(): Promise<void> {
  list.value = await listViews();
}

export async function save(content: ViewContent): Promise<void> {
  await addView(content);
  await loadViews();
}

export async function change(view: SavedView, content: Partial<ViewContent>): Promise<void> {
  await changeView(view.id, { ...view, ...content });
  await loadViews();
}

export async function remove(view: SavedView): Promise<void> {
  await removeView(view.id);
  await loadViews();
}
