/** Paths of the pages about a message, a recipient or an event. */

import type { Notification } from "../api/types";
import { queryPath } from "../query/filter";

export function messagePath(id: string): string {
  return `/messages/${encodeURIComponent(id)}`;
}

export function recipientPath(email: string): string {
  return `/recipients/${encodeURIComponent(email)}`;
}

/** The events with this value, such as the events with a tag. */
export function valuePath(name: string, value: string): string {
  return queryPath({ [name]: value });
}

/** The page of the message that a notification is about, or of its event if there is no message. */
export function notificationPath({ message_id: message, event_id: event }: Notification): string | null {
  if (message !== null) return messagePath(message);
  return event === null ? null : `/?event=${event}`;
}
