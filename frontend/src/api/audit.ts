/** What was done to accounts and to people's data. */

import { ask, queryOf } from "./client";
import type { List, Schemas } from "./types";

export type AuditEntry = Schemas["AuditEntry"];

/** A page of it, newest first. */
export function listAudit(cursor: string | null): Promise<List<AuditEntry>> {
  return ask("GET", `/api/audit?${queryOf({ limit: "100", cursor: cursor ?? "" })}`);
}
