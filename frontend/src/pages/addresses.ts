/** Paths of the pages about a message, a recipient or an event. */

import type { Notification } from "../api/types";
import { queryPath } from "../query/filter";

export function messagePath(id: string): string {
  return `/messages/${encodeURIComponent(id)}`;
}

export function recipientPath(email: string): string {
  return `/recipients/${encodeURIComponent(email)}`;
}

/** The page about a value, such as a tag; the events with it, if it has no page. */
export function valuePath(name: string, value: string): string {
  const segment = NAME_SEGMENTS[name];
  return segment === undefined ? queryPath({ [name]: value }) : `/${segment}/${encodeURIComponent(value)}`;
}

/** The paths of names by parameter. */
export const NAME_SEGMENTS: Readonly<Record<string, string>> = {
  template: "templates",
  tag: "tags",
  domain: "domains",
  subaccount: "subaccounts",
  url: "links",
};

/** The page of the message that a notification is about, or of its event if there is no message. */
export function notificationPath({ message_id: message, event_id: event }: Notification): string | null {
  if (message !== null) return messagePath(message);
  return event === null ? null : `/?event=${event}`;
}
