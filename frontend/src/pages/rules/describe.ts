/** Generates descriptions of rules. */

import type { Rule } from "../../api/rules";
import { inWords } from "../../words";

/** The names of the event kinds, grouped for the dialog. */
export const KINDS = {
  mail: {
    open: "Opens",
    click: "Clicks",
    hard_bounce: "Hard bounces",
    soft_bounce: "Soft bounces",
    spam: "Spam complaints",
    unsub: "Unsubscriptions",
    reject: "Rejections",
    deferral: "Deferrals",
    send: "Sent mails",
    delivered: "Deliveries",
    inbound: "Received mails",
  },
  other: {
    blacklist_add: "Denylist additions",
    blacklist_change: "Denylist changes",
    blacklist_remove: "Denylist removals",
    whitelist_add: "Allowlist additions",
    whitelist_remove: "Allowlist removals",
    sms_processing: "SMS in processing",
    sms_queued: "Queued SMS",
    sms_sent: "Sent SMS",
    sms_delivered: "Delivered SMS",
    sms_canceled: "Canceled SMS",
    sms_failed: "Failed SMS",
    sms_open: "Opened SMS",
    sms_click: "Clicked SMS",
    sms_unsub: "SMS unsubscriptions",
  },
} as const;

const NAMES: Readonly<Record<string, string>> = { ...KINDS.mail, ...KINDS.other };
const list = new Intl.ListFormat("en", { type: "conjunction" });

/** `Hard bounces and spam complaints tagged “welcome” to ann@example.com`. */
export function describeRule({ kinds, tag, recipient }: Rule): string {
  const names = kinds.map((kind) => (Object.hasOwn(NAMES, kind) ? `${NAMES[kind]}` : inWords(kind)));
  const listed = list.format(names.map((name, at) => (at === 0 ? name : decapitalize(name))));
  return `${listed}${tag === null ? "" : ` tagged “${tag}”`}${recipient === null ? "" : ` to ${recipient}`}`;
}

/** Converts to lower case for use within a sentence; `SMS` is unchanged. */
function decapitalize(name: string): string {
  return /^[A-Z][a-z]/.test(name) ? name.charAt(0).toLowerCase() + name.slice(1) : name;
}
