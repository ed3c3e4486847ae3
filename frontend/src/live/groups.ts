/** Groups notifications that follow each other and say the same. */

import type { InboxNotification } from "../api/types";

export interface NotificationGroup {
  /** Stays the same while newer ones are added. */
  readonly key: number;
  readonly newest: InboxNotification;
  /** Newest first. */
  readonly items: readonly InboxNotification[];
}

/** `notifications` are ordered newest first. Messages of users are never grouped. */
export function groupsOf(notifications: readonly InboxNotification[]): NotificationGroup[] {
  const groups: InboxNotification[][] = [];
  for (const item of notifications) {
    const last = groups.at(-1);
    if (last?.[0] !== undefined && isLike(last[0], item)) last.push(item);
    else groups.push([item]);
  }
  return groups.flatMap((items) => {
    const [newest, oldest] = [items[0], items.at(-1)];
    return newest === undefined || oldest === undefined ? [] : { key: oldest.id, newest, items };
  });
}

function isLike(a: InboxNotification, b: InboxNotification): boolean {
  return (
    a.kind !== "message" &&
    a.kind === b.kind &&
    a.title === b.title &&
    a.body === b.body &&
    a.actor === b.actor &&
    a.message_id === b.message_id
  );
}
