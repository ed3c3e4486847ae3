/** Audit log endpoint: changes to accounts and personal data. */

import { requestJson, queryOf } from "./client";
import type { List, Schemas } from "./types";

export type AuditEntry = Schemas["AuditEntry"];

/** Fetches a page of audit entries, newest first. */
export function listAudit(cursor: string | null): Promise<List<AuditEntry>> {
  return requestJson("GET", `/api/audit?${queryOf({ limit: "100", cursor: cursor ?? "" })}`);
}
