/** Endpoints for the notification rules of the signed-in user. */

import { requestJson } from "./client";
import type { Schemas } from "./types";

/** An event must match every condition of the rule. */
export type Rule = Required<Schemas["Rule"]>;

/** An event notifies the user if it matches any rule. With no rules, the user is never notified. */
export interface Rules {
  /** The user has no custom rules and is therefore notified of every open. */
  readonly standard: boolean;
  readonly rules: readonly Rule[];
}

/** Maximum number of rules per user. */
export const MAX_RULES = 20;

export function getRules(): Promise<Rules> {
  return requestJson("GET", "/api/rules");
}

/** Replaces all rules. */
export function setRules(rules: readonly Rule[]): Promise<Rules> {
  return requestJson("PUT", "/api/rules", JSON.stringify({ rules }));
}

/** Restores the standard rules. */
export function resetRules(): Promise<Rules> {
  return requestJson("DELETE", "/api/rules");
}
