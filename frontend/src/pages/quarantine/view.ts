/** What of the quarantine is shown, which its address says: so Back, reload and a shared link give the same. */

import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { QuarantineState } from "../../api/types";

export interface View {
  readonly state: QuarantineState;
  readonly reason: string | null;
  /** The item that is looked at. */
  readonly item: number | null;
}

const STATES: readonly QuarantineState[] = ["open", "retried", "discarded"];

/** The view that a query asks for; what makes no sense in it is left out. */
export function viewOf(query: LocationQuery): View {
  const { state, reason, item } = query;
  return {
    state: STATES.find((known) => known === state) ?? "open",
    reason: typeof reason === "string" && reason !== "" ? reason : null,
    item: typeof item === "string" && /^[1-9]\d{0,14}$/.test(item) ? Number(item) : null,
  };
}

/** The query of a view, without what goes without saying. */
export function queryOf(view: View): LocationQueryRaw {
  return {
    ...(view.state === "open" ? {} : { state: view.state }),
    ...(view.reason === null ? {} : { reason: view.reason }),
    ...(view.item === null ? {} : { item: `${view.item}` }),
  };
}
