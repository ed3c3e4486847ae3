/** The token scopes and their permissions. */

import type { Scope } from "../../api/access";

export const SCOPES: Readonly<Record<Scope, string>> = {
  read: "reads events, messages, recipients and statistics, and follows the feed",
  simulate: "posts batches that count as simulated",
};
