/** Endpoints for saved views: named filters of the events page. */

import { requestJson } from "./client";
import type { List, Schemas } from "./types";

export type ViewContent = Schemas["ViewContent"];

export type SavedView = Schemas["View"];

/** Lists the user's own views and all shared views, ordered by name. */
export async function listViews(): Promise<readonly SavedView[]> {
  return (await requestJson<List<SavedView>>("GET", "/api/views")).items;
}

export function addView({ name, query, shared }: ViewContent): Promise<SavedView> {
  return requestJson("POST", "/api/views", JSON.stringify({ name, query, shared }));
}

export function changeView(id: number, { name, query, shared }: ViewContent): Promise<unknown> {
  return requestJson("PUT", `/api/views/${id}`, JSON.stringify({ name, query, shared }));
}

export function removeView(id: number): Promise<void> {
  return requestJson("DELETE", `/api/views/${id}`);
}
