/** Where pages about one thing are. */

import type { Notification } from "../api/types";

export function messageAddress(id: string): string {
  return `/messages/${encodeURIComponent(id)}`;
}

export function recipientAddress(email: string): string {
  return `/recipients/${encodeURIComponent(email)}`;
}

/** The message that a notification is about, or the event where that belongs to none. */
export function addressOf({ message_id: message, event_id: event }: Notification): string | null {
  if (message !== null) return messageAddress(message);
  return event === null ? null : `/?event=${event}`;
}
