/** Endpoints about single events, and about all that a filter selects. */

import { ask, queryOf, request } from "./client";
import type { EventWhole, Filter, Histogram } from "./types";

/** One event with its payload. */
export function getEvent(id: number): Promise<EventWhole> {
  return ask("GET", `/api/events/${id}`);
}

/** Where the bytes of an event are, as they were received. */
export function rawEvent(id: number): string {
  return `/api/events/${id}/raw`;
}

/** The bytes of an event as text. */
export async function getRawEvent(id: number): Promise<string> {
  return (await request("GET", rawEvent(id))).text();
}

/** How many events of each kind came when; of the last 24 hours, unless the filter says otherwise. */
export function getHistogram(filter: Filter, buckets: number): Promise<Histogram> {
  return ask("GET", `/api/events/histogram?${queryOf({ ...filter, buckets: `${buckets}` })}`);
}

/** Where all that the filter selects can be downloaded. */
export function exportOf(filter: Filter, format: "csv" | "ndjson"): string {
  return `/api/events/export?${queryOf({ ...filter, format })}`;
}
