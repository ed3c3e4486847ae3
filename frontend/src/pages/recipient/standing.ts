/** Where mail to an address stands, from what happened last of what matters. */

import type { KindOfRecipient } from "../../api/types";

export interface Standing {
  readonly word: string;
  readonly tone: "ok" | "warn" | "bad" | "quiet";
  readonly why: string;
  /** What says so, if anything does. */
  readonly evidence?: KindOfRecipient;
}

const BAD: Readonly<Record<string, Standing>> = {
  hard_bounce: { word: "Bounces", tone: "bad", why: "The last mail came back for good." },
  soft_bounce: { word: "Bounced lately", tone: "warn", why: "The last mail came back, perhaps not for good." },
  spam: { word: "Complained", tone: "bad", why: "The recipient marked the last mail as spam." },
  unsub: { word: "Unsubscribed", tone: "quiet", why: "The recipient unsubscribed." },
  reject: {
    word: "Not sent to",
    tone: "bad",
    why: "Mandrill refused to send the last mail: the address is on its denylist.",
  },
  blacklist_add: { word: "On the denylist", tone: "bad", why: "Mandrill sends no mail to this address." },
  blacklist_change: { word: "On the denylist", tone: "bad", why: "Mandrill sends no mail to this address." },
  deferral: { word: "Delayed", tone: "warn", why: "The receiving server puts the last mail off." },
};
const GOOD = new Set(["delivered", "open", "click"]);

/** `kinds` as the API gives them: the one that happened last comes first. */
export function standingOf(kinds: readonly KindOfRecipient[]): Standing {
  for (const evidence of kinds) {
    const { kind } = evidence;
    if (GOOD.has(kind)) return { word: "Reachable", tone: "ok", why: "Mail arrives at this address.", evidence };
    if (kind === "blacklist_remove") break;
    const bad = Object.hasOwn(BAD, kind) ? BAD[kind] : undefined;
    if (bad) return { ...bad, evidence };
  }
  return { word: "Nothing known", tone: "quiet", why: "Nothing says yet whether mail arrives." };
}
