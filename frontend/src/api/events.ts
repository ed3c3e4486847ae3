/** Endpoints for single events, the histogram and the export. */

import { requestJson, queryOf, request } from "./client";
import type { EventDetail, Filter, Histogram, List, MailEvent } from "./types";

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

/** Counts events by kind and time. Covers the last 24 hours unless the filter sets a range. */
export function getHistogram(filter: Filter, buckets: number): Promise<Histogram> {
  return requestJson("GET", `/api/events/histogram?${queryOf({ ...filter, buckets: `${buckets}` })}`);
}

/** Download URL for all events that match the filter. */
export function exportUrl(filter: Filter, format: "csv" | "ndjson", bom = false): string {
  return `/api/events/export?${queryOf({ ...filter, format, ...(bom && { bom: "true" }) })}`;
}
