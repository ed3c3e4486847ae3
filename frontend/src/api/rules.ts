/** Endpoints of the rules by which events notify the signed-in user. */

import { ask } from "./client";
import type { Schemas } from "./types";

/** All that is said has to hold of an event. */
export type Rule = Required<Schemas["Rule"]>;

/** Any one suffices; without any, no event notifies. */
export interface Rules {
  /** None were chosen: then every open notifies. */
  readonly standard: boolean;
  readonly rules: readonly Rule[];
}

/** As many as there may be. */
export const MOST_RULES = 20;

export function getRules(): Promise<Rules> {
  return ask("GET", "/api/rules");
}

/** Puts these in place of all that were. */
export function setRules(rules: readonly Rule[]): Promise<Rules> {
  return ask("PUT", "/api/rules", JSON.stringify({ rules }));
}

/** Back to the standard. */
export function resetRules(): Promise<Rules> {
  return ask("DELETE", "/api/rules");
}
