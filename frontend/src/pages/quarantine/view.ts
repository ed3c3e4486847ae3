/** The selection of quarantined items. The view is stored in the URL query, so that Back, reload and shared links restore it. */

import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { QuarantineState } from "../../api/types";

export interface View {
  readonly state: QuarantineState;
  readonly reason: string | null;
  /** The id of the open item. */
  readonly item: number | null;
}

const STATES: readonly QuarantineState[] = ["open", "retried", "discarded"];

/** The view in a URL query; invalid parameters are ignored. */
export function viewOf(query: LocationQuery): View {
  const { state, reason, item } = query;
  return {
    state: STATES.find((known) => known === state) ?? "open",
    reason: typeof reason === "string" && reason !== "" ? reason : null,
    item: typeof item === "string" && /^[1-9]\d{0,14}$/.test(item) ? Number(item) : null,
  };
}

/** The query of a view, without default values. */
export function queryOf(view: View): LocationQueryRaw {
  return {
    ...(view.state === "open" ? {} : { state: view.state }),
    ...(view.reason === null ? {} : { reason: view.reason }),
    ...(view.item === null ? {} : { item: `${view.item}` }),
  };
}
