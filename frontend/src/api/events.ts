/** Endpoints for single events, the histogram and the export. */

import { requestJson, queryOf, request } from "./client";
import type { EventDetail, Filter, Histogram, List, MailEvent } from "./types";

/** Longest list of ids in one parameter: the server takes up to 1,024 characters. */
const MAX_IDS_LENGTH = 1_000;

/** Download URL for these events. */
export function selectionUrl(ids: readonly number[], format: "csv" | "ndjson"): string {
  const lists: string[] = [];
  for (const id of ids) {
    const last = lists.at(-1);
    if (last !== undefined && last.length < MAX_IDS_LENGTH - 20) lists[lists.length - 1] = `${last},${id}`;
    else lists.push(`${id}`);
  }
  return exportUrl({ id: lists }, format);
}

/** Fetches an event with its payload. */
export function getEvent(id: number): Promise<EventDetail> {
  return requestJson("GET", `/api/events/${id}`);
}

/** Fetches up to `limit` of the newest events that match the filter. */
export async function newestEvents(filter: Filter, limit: number): Promise<readonly MailEvent[]> {
  const page: List<MailEvent> = await requestJson("GET", `/api/events?${queryOf({ ...filter, limit: `${limit}` })}`);
  return page.items;
}

/** URL for an event's bytes, exactly as received. */
export function rawEventUrl(id: number): string {
  return `/api/events/${id}/raw`;
}

/** Fetches an event's bytes as text. */
export async function getRawEvent(id: number): Promise<string> {
  return (await request("GET", rawEventUrl(id))).text();
}

/** Counts events by kind and time. Without `from`, it counts all events if they are few, and else those of the last day. */
export function getHistogram(filter: Filter, buckets: number): Promise<Histogram> {
  return requestJson("GET", `/api/events/histogram?${queryOf({ ...filter, buckets: `${buckets}` })}`);
}

/** Download URL for all events that match the filter. */
export function exportUrl(filter: Filter, format: "csv" | "ndjson", bom = false): string {
  return `/api/events/export?${queryOf({ ...filter, format, ...(bom && { bom: "true" }) })}`;
}
