/** Values that the server suggests while somebody types a filter. */

import { requestJson } from "./client";
import type { Schemas } from "./types";

export type SuggestedValue = Schemas["CompletedValue"];

/** Fetches up to 20 values of a filter's parameter that begin with or contain `text`. */
export async function suggestValues(field: string, text: string): Promise<readonly SuggestedValue[]> {
  const query = new URLSearchParams({ field, text });
  return (await requestJson<Schemas["Completion"]>("GET", `/api/complete?${query.toString()}`)).items;
}
