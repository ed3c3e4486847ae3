/** Statistics endpoint. */

import { requestJson } from "./client";
import type { Schemas } from "./types";

/** Events by kind. Kinds without events are omitted. */
export type Counts = Statistics["counts"];

export type Step = Statistics["step"];

export type NamedCounts = Schemas["CountsByName"];

export type Statistics = Schemas["Statistics"];

export type NamedMail = Schemas["NamedMail"];

export type Audience = Schemas["Audience"];

/** What persons read mail with and where, and which links were clicked. */
export function getAudience(query: Readonly<Record<string, string>>): Promise<Audience> {
  return requestJson("GET", `/api/stats/audience?${new URLSearchParams(query)}`);
}

export function getStatistics(query: Readonly<Record<string, string>>): Promise<Statistics> {
  return requestJson("GET", `/api/stats?${new URLSearchParams(query)}`);
}
