/** What the server counted. Mirrors `ingest/src/read/statistics.rs`. */

import { ask } from "./client";

/** How many events of each kind; kinds without any are left out. */
export type Counts = Readonly<Record<string, number>>;

export type Step = "hour" | "day" | "month";

export interface Named {
  readonly name: string;
  readonly counts: Counts;
}

export interface Statistics {
  readonly from: string;
  readonly to: string;
  readonly step: Step;
  readonly zone: string;
  readonly counts: Counts;
  /** As long a time, just before. */
  readonly previous: { readonly from: string; readonly to: string; readonly counts: Counts };
  /** Oldest first; those without events are left out. */
  readonly buckets: readonly { readonly at: string; readonly counts: Counts }[];
  readonly bounces: readonly { readonly reason: string; readonly count: number }[];
  readonly domains: readonly Named[];
  readonly tags: readonly Named[];
  readonly templates: readonly Named[];
}

export function getStatistics(question: Readonly<Record<string, string>>): Promise<Statistics> {
  return ask("GET", `/api/stats?${new URLSearchParams(question)}`);
}
