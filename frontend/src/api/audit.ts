/** What was done to accounts and to people's data. Mirrors `ingest/src/account/audit.rs`. */

import { ask, queryOf } from "./client";
import type { List } from "./types";

export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  /** Who did it; null once that user is gone. */
  readonly user_email: string | null;
  readonly action: string;
  /** What it was done to, and how: by ids, and never by an address that was erased. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A page of it, newest first. */
export function listAudit(cursor: string | null): Promise<List<AuditEntry>> {
  return ask("GET", `/api/audit?${queryOf({ limit: "100", cursor: cursor ?? "" })}`);
}
