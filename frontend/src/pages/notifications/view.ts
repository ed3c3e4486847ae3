/** Which notifications are shown, which the address says: so Back, reload and a shared link give the same. */

import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { InboxNotification, Notification } from "../../api/types";

export interface View {
  readonly kind: Notification["kind"] | null;
  readonly unread: boolean;
  /** Whose messages. */
  readonly from: number | null;
}

export const KINDS: Readonly<Record<Notification["kind"], string>> = {
  open: "Opens",
  event: "Other events",
  message: "Messages",
  alert: "Alerts",
};

/** The view that a query asks for; what makes no sense in it is left out. */
export function viewOf(query: LocationQuery): View {
  const { kind, unread, from_user: from } = query;
  return {
    kind: typeof kind === "string" && Object.hasOwn(KINDS, kind) ? (kind as View["kind"]) : null,
    unread: unread === "true",
    from: typeof from === "string" && /^[1-9]\d{0,14}$/.test(from) ? Number(from) : null,
  };
}

/** The query of a view, which is also the filter that the server takes, without what goes without saying. */
export function queryOf(view: View): LocationQueryRaw & Record<string, string> {
  return {
    ...(view.kind === null ? {} : { kind: view.kind }),
    ...(view.unread ? { unread: "true" } : {}),
    ...(view.from === null ? {} : { from_user: `${view.from}` }),
  };
}

/** Whether one that has come live belongs there. */
export function belongs(one: InboxNotification, view: View): boolean {
  return (
    (view.kind === null || one.kind === view.kind) &&
    (!view.unread || !one.read) &&
    (view.from === null || one.from?.id === view.from)
  );
}
