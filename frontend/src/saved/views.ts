/** The saved views, and the current one on the events page: the one opened last, even after its filter was changed. */

import { computed, shallowReadonly, shallowRef } from "vue";
import type { LocationQuery } from "vue-router";
import { addView, changeView, listViews, removeView, type SavedView, type ViewContent } from "../api/views";
import { currentUser } from "../session";
import { onOtherTab, tellTabs } from "../tabs";

const list = shallowRef<readonly SavedView[]>([]);
/** The normalized query of the events page; null on other pages. */
const currentQuery = shallowRef<string | null>(null);

/** The user's own views and the shared views, ordered by name. */
export const views = shallowReadonly(list);

/** The part of a query that a view stores: everything except the open event, sorted, so that equal queries are equal strings. */
export function normalizeQuery(query: LocationQuery): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (name === "event") continue;
    for (const one of [value].flat().sort()) params.append(name, one ?? "");
  }
  params.sort();
  return params.toString();
}

/** Called by the router after every navigation. */
export function trackLocation(path: string, query: LocationQuery): void {
  currentQuery.value = path === "/" ? normalizeQuery(query) : null;
}

const openedId = computed<number | null>((before) => {
  const query = currentQuery.value;
  if (query === null) return before ?? null;
  if (query === "") return null;
  const matching = list.value.filter((view) => view.query === query);
  return (matching.find(({ id }) => id === before) ?? matching[0])?.id ?? before ?? null;
});

/** The current view on the events page, if any. */
export const current = computed(() =>
  currentQuery.value === null ? null : (list.value.find(({ id }) => id === openedId.value) ?? null),
);
/** Whether the filter differs from that of the current view. */
export const isChanged = computed(() => current.value !== null && current.value.query !== currentQuery.value);
/** The query that can be saved as a view; null without a filter. */
export const savableQuery = computed(() =>
  currentQuery.value !== null && currentQuery.value !== "" ? currentQuery.value : null,
);

/** Whether the signed-in user can change the view: users can change their own views, and admins can also change shared views. */
export function mayChange(view: SavedView): boolean {
  return view.mine || currentUser.value?.role === "admin";
}

/** @throws {Problem} like the functions below. */
export async function loadViews(): Promise<void> {
  list.value = await listViews();
}

export async function save(content: ViewContent): Promise<void> {
  await addView(content);
  await reloadViews();
}

export async function change(view: SavedView, content: Partial<ViewContent>): Promise<void> {
  await changeView(view.id, { ...view, ...content });
  await reloadViews();
}

export async function remove(view: SavedView): Promise<void> {
  await removeView(view.id);
  await reloadViews();
}

async function reloadViews(): Promise<void> {
  tellTabs("views");
  await loadViews();
}

onOtherTab("views", () => void loadViews().catch(() => {}));
