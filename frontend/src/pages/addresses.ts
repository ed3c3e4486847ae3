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
  const page = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  return page === undefined ? queryPath({ [name]: value }) : `/${page.segment}/${encodeURIComponent(value)}`;
}

/** The names that have pages of their own, by their filter's parameter: the part of the path before the name, and the page's title. */
export const NAMES: Readonly<Record<string, { readonly segment: string; readonly title: string }>> = {
  template: { segment: "templates", title: "Template" },
  tag: { segment: "tags", title: "Tag" },
  domain: { segment: "domains", title: "Domain" },
  subaccount: { segment: "subaccounts", title: "Subaccount" },
  url: { segment: "links", title: "Link" },
};

/** The page of the message that a notification is about, or of its event if there is no message. */
export function notificationPath({ message_id: message, event_id: event }: Notification): string | null {
  if (message !== null) return messagePath(message);
  return event === null ? null : `/?event=${event}`;
}

/** Where to go after signing in, here or in another tab: `next` if it is a path of this site, or the start page. */
export function afterSignIn(next: unknown): string {
  return typeof next === "string" && /^\/(?![/\\])/.test(next) ? next : "/";
}

/** What names the recipient of an event in a filter or path: the address, or the id that stands for it where addresses are masked. */
export function recipientOf(event: {
  readonly recipient: string | null;
  readonly recipient_id?: string;
}): string | null {
  return event.recipient_id ?? event.recipient;
}

/** Whether a value has hidden parts, so that nothing can be found by it. */
export function isMasked(value: string | null): boolean {
  return value?.includes("•••") ?? false;
}
