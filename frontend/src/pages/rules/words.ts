/** Rules as people read them. */

import type { Rule } from "../../api/rules";
import { inWords } from "../../words";

/** What events of each kind are called, by what they are about. */
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
  rest: {
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

const NAMES: Readonly<Record<string, string>> = { ...KINDS.mail, ...KINDS.rest };
const list = new Intl.ListFormat("en", { type: "conjunction" });

/** `Hard bounces and spam complaints tagged “welcome” to ann@example.com`. */
export function ruleInWords({ kinds, tag, recipient }: Rule): string {
  const names = kinds.map((kind) => (Object.hasOwn(NAMES, kind) ? `${NAMES[kind]}` : inWords(kind)));
  const listed = list.format(names.map((name, at) => (at === 0 ? name : uncapitalised(name))));
  return `${listed}${tag === null ? "" : ` tagged “${tag}”`}${recipient === null ? "" : ` to ${recipient}`}`;
}

/** As within a sentence; `SMS` stays. */
function uncapitalised(name: string): string {
  return /^[A-Z][a-z]/.test(name) ? name.charAt(0).toLowerCase() + name.slice(1) : name;
}
