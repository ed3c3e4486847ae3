/** The words for codes: what the interface shows for a kind, a reason or an actor, and what else people type for it. */

import { verdicts } from "../api/verdicts";
import { kindStyle } from "../pages/events/kinds";

/** Every kind that Mandrill is known to send, the most frequent ones first. */
export const KINDS = [
  "send",
  "delivered",
  "open",
  "click",
  "deferral",
  "soft_bounce",
  "hard_bounce",
  "reject",
  "spam",
  "unsub",
  "inbound",
  "blacklist_add",
  "blacklist_change",
  "blacklist_remove",
  "whitelist_add",
  "whitelist_change",
  "whitelist_remove",
] as const;

/** Other words for kinds than their labels and codes. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  open: ["opens"],
  click: ["clicks"],
  send: ["sends"],
  delivered: ["delivery"],
  deferral: ["delayed", "deferred"],
  soft_bounce: ["soft bounced", "soft bounces"],
  hard_bounce: ["bounce", "bounces", "hard bounced", "hard bounces"],
  reject: ["rejection"],
  spam: ["complaint", "complained", "marked as spam"],
  unsub: ["unsubscribe"],
  inbound: ["reply", "replied"],
};

/** A list of codes with their labels. */
interface Vocabulary {
  readonly labels: Readonly<Record<string, string>>;
  readonly codes: ReadonlyMap<string, string>;
}

/** Ignores case, spaces, hyphens and underscores, so that `mailbox-full` is `Mailbox full`. */
function normalize(word: string): string {
  return word.toLowerCase().replace(/[\s_-]+/g, "");
}

function vocabularyOf(
  labels: Readonly<Record<string, string>>,
  synonyms: Readonly<Record<string, readonly string[]>>,
): Vocabulary {
  const codes = new Map<string, string>();
  for (const [code, label] of Object.entries(labels)) {
    for (const word of [code, label, ...(synonyms[code] ?? [])]) {
      if (!codes.has(normalize(word))) codes.set(normalize(word), code);
    }
  }
  return { labels, codes };
}

const reasonLabels = Object.fromEntries(Object.entries(verdicts.reasons).map(([code, { label }]) => [code, label]));
/** Labels of actors without their article: `security scanner`. */
const actorSynonyms = Object.fromEntries(
  Object.entries(verdicts.actors).map(([code, label]) => [code, [label.replace(/^an? /, "")]]),
);

export const VOCABULARIES: Readonly<Record<"kind" | "reason" | "actor", Vocabulary>> = {
  kind: vocabularyOf(Object.fromEntries(KINDS.map((kind) => [kind, kindStyle(kind).label])), SYNONYMS),
  reason: vocabularyOf(reasonLabels, {}),
  actor: vocabularyOf(verdicts.actors, actorSynonyms),
};

/** The code for a typed word. Codes of kinds that this page does not know yet are codes too. */
export function codeOf(vocabulary: keyof typeof VOCABULARIES, word: string): string | undefined {
  return VOCABULARIES[vocabulary].codes.get(normalize(word));
}

/** The label of a code; a code without a label is shown as it is. */
export function labelOf(vocabulary: keyof typeof VOCABULARIES, code: string): string {
  const { labels } = VOCABULARIES[vocabulary];
  if (Object.hasOwn(labels, code)) return labels[code] ?? code;
  return vocabulary === "kind" ? kindStyle(code).label : code;
}
