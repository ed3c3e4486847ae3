/** Endpoints of saved views: filters of the events page under a name. */

import { ask } from "./client";
import type { List } from "./types";

/** What is saved. */
export interface ViewContent {
  readonly name: string;
  /** The query string of the events page. */
  readonly query: string;
  /** Everybody sees it. */
  readonly shared: boolean;
}

export interface SavedView extends ViewContent {
  readonly id: number;
  readonly mine: boolean;
  readonly owner_email: string;
}

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
