/** The scopes of tokens, with what each permits. */

import type { Scope } from "../../api/access";

export const SCOPES: Readonly<Record<Scope, string>> = {
  read: "reads events, messages, recipients and statistics, and follows the feed",
  simulate: "posts batches that count as simulated",
};
