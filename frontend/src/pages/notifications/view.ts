/** The selection of notifications. The view is stored in the URL query, so that Back, reload and shared links restore it. */

import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { InboxNotification, Notification } from "../../api/types";
import { texts } from "./texts";

export interface View {
  readonly kind: Notification["kind"] | null;
  readonly unread: boolean;
  /** The id of the sender. */
  readonly from: number | null;
}

export const UNREAD_ALERTS: View = { kind: "alert", unread: true, from: null };

export const KINDS: Readonly<Record<Notification["kind"], string>> = {
  open: texts.opens,
  event: texts.otherEvents,
  message: texts.messages,
  alert: texts.alerts,
};

/** The view in a URL query; invalid parameters are ignored. */
export function viewOf(query: LocationQuery): View {
  const { kind, unread, from_user: from } = query;
  return {
    kind: typeof kind === "string" && Object.hasOwn(KINDS, kind) ? (kind as View["kind"]) : null,
    unread: unread === "true",
    from: typeof from === "string" && /^[1-9]\d{0,14}$/.test(from) ? Number(from) : null,
  };
}

/** The query of a view without default values. It is also the filter of the API request. */
export function queryOf(view: View): LocationQueryRaw & Record<string, string> {
  return {
    ...(view.kind === null ? {} : { kind: view.kind }),
    ...(view.unread ? { unread: "true" } : {}),
    ...(view.from === null ? {} : { from_user: `${view.from}` }),
  };
}

/** Whether a live notification belongs to the view. */
export function matchesView(notification: InboxNotification, view: View): boolean {
  return (
    (view.kind === null || notification.kind === view.kind) &&
    (!view.unread || !notification.read) &&
    (view.from === null || notification.from?.id === view.from)
  );
}
