/** The delivery status of a recipient, derived from the latest relevant event. */

import type { KindOfRecipient } from "../../api/types";
import { explainReason } from "../events/verdict";

export interface RecipientStatus {
  readonly label: string;
  readonly tone: "ok" | "warn" | "bad" | "quiet";
  readonly explanation: string;
  /** The event kind that determines the status, if any. */
  readonly evidence?: KindOfRecipient;
}

const BAD: Readonly<Record<string, RecipientStatus>> = {
  hard_bounce: { label: "Bounces", tone: "bad", explanation: "The last mail came back for good." },
  soft_bounce: { label: "Bounced lately", tone: "warn", explanation: "The last mail came back, perhaps not for good." },
  spam: { label: "Complained", tone: "bad", explanation: "The recipient marked the last mail as spam." },
  unsub: { label: "Unsubscribed", tone: "quiet", explanation: "The recipient unsubscribed." },
  reject: {
    label: "Not sent to",
    tone: "bad",
    explanation: "Mandrill did not send the last mail.",
  },
  blacklist_add: { label: "On the denylist", tone: "bad", explanation: "Mandrill sends no mail to this address." },
  blacklist_change: { label: "On the denylist", tone: "bad", explanation: "Mandrill sends no mail to this address." },
  deferral: { label: "Delayed", tone: "warn", explanation: "The receiving server puts the last mail off." },
};
const GOOD = new Set(["delivered", "open", "click"]);

/** `kinds` must be ordered by their latest event, newest first, as the API returns them. */
export function statusOf(kinds: readonly KindOfRecipient[]): RecipientStatus {
  for (const evidence of kinds) {
    const { kind } = evidence;
    if (GOOD.has(kind))
      return { label: "Reachable", tone: "ok", explanation: "Mail arrives at this address.", evidence };
    if (kind === "blacklist_remove") break;
    const bad = Object.hasOwn(BAD, kind) ? BAD[kind] : undefined;
    if (bad)
      return {
        ...bad,
        explanation: [bad.explanation, explainReason(evidence.reason_class ?? "")].join(" ").trim(),
        evidence,
      };
  }
  return { label: "Nothing known", tone: "quiet", explanation: "Nothing says yet whether mail arrives." };
}
