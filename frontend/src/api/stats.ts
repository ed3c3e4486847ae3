/** What the server counted. */

import { ask } from "./client";
import type { Schemas } from "./types";

/** How many events of each kind; kinds without any are left out. */
export type Counts = Statistics["counts"];

export type Step = Statistics["step"];

export type Named = Schemas["CountsByName"];

export type Statistics = Schemas["Statistics"];

export function getStatistics(question: Readonly<Record<string, string>>): Promise<Statistics> {
  return ask("GET", `/api/stats?${new URLSearchParams(question)}`);
}
