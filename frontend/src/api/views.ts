/** Endpoints of saved views: filters of the events page under a name. */

import { ask } from "./client";
import type { List, Schemas } from "./types";

/** What is saved. */
export type ViewContent = Schemas["ViewContent"];

export type SavedView = Schemas["View"];

/** One's own, and those that are shared, by name. */
export async function listViews(): Promise<readonly SavedView[]> {
  return (await ask<List<SavedView>>("GET", "/api/views")).items;
}

export function addView({ name, query, shared }: ViewContent): Promise<SavedView> {
  return ask("POST", "/api/views", JSON.stringify({ name, query, shared }));
}

export function changeView(id: number, { name, query, shared }: ViewContent): Promise<unknown> {
  return ask("PUT", `/api/views/${id}`, JSON.stringify({ name, query, shared }));
}

export function removeView(id: number): Promise<void> {
  return ask("DELETE", `/api/views/${id}`);
}
