/** Generates descriptions of rules. */

import type { Rule } from "../../api/rules";
import { inWords } from "../../words";
import { texts } from "./texts";

/** The names of the event kinds, grouped for the dialog. */
export const KINDS = {
  mail: {
    open: texts.opens,
    click: texts.clicks,
    hard_bounce: texts.hardBounces,
    soft_bounce: texts.softBounces,
    spam: texts.spamComplaints,
    unsub: texts.unsubscriptions,
    reject: texts.rejections,
    deferral: texts.deferrals,
    send: texts.sentMails,
    delivered: texts.deliveries,
    inbound: texts.receivedMails,
  },
  other: {
    blacklist_add: texts.denylistAdditions,
    blacklist_change: texts.denylistChanges,
    blacklist_remove: texts.denylistRemovals,
    whitelist_add: texts.allowlistAdditions,
    whitelist_remove: texts.allowlistRemovals,
    sms_processing: texts.smsInProcessing,
    sms_queued: texts.queuedSMS,
    sms_sent: texts.sentSMS,
    sms_delivered: texts.deliveredSMS,
    sms_canceled: texts.canceledSMS,
    sms_failed: texts.failedSMS,
    sms_open: texts.openedSMS,
    sms_click: texts.clickedSMS,
    sms_unsub: texts.smsUnsubscriptions,
  },
} as const;

const NAMES: Readonly<Record<string, string>> = { ...KINDS.mail, ...KINDS.other };
const list = new Intl.ListFormat("en", { type: "conjunction" });

/** `Hard bounces and spam complaints tagged “welcome” to ann@example.com`. */
export function describeRule({ kinds, tag, recipient }: Rule): string {
  const names = kinds.map((kind) => (Object.hasOwn(NAMES, kind) ? `${NAMES[kind]}` : inWords(kind)));
  const listed = list.format(names.map((name, at) => (at === 0 ? name : decapitalize(name))));
  return `${listed}${tag === null ? "" : texts.tagged(tag)}${recipient === null ? "" : texts.to(recipient)}`;
}

/** Converts to lower case for use within a sentence; `SMS` is unchanged. */
function decapitalize(name: string): string {
  return /^[A-Z][a-z]/.test(name) ? name.charAt(0).toLowerCase() + name.slice(1) : name;
}
