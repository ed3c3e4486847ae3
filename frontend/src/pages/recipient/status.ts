/** The standing of a recipient, as the API decides it, in words. */

import type { Recipient } from "../../api/types";
import { verdicts } from "../../api/verdicts";
import type { Tone } from "../../components/tones";
import { explainReason } from "../events/verdict";

export interface RecipientStatus {
  readonly label: string;
  readonly tone: Tone;
  readonly explanation: string;
}

const TONES: Readonly<Record<string, Tone>> = {
  reachable: "ok",
  deferred: "warn",
  soft_bounced: "warn",
  bounced: "bad",
  complained: "bad",
  denylisted: "bad",
};

/** Newer services can send states that this page does not know. */
export function statusOf(standing: Recipient["standing"]): RecipientStatus {
  const { state } = standing;
  const known: { label: string; explanation: string } | undefined = verdicts.standings[state];
  const explanation = [known?.explanation, explainReason(standing.reason_class ?? "")].filter(Boolean).join(" ");
  return { label: known?.label ?? state, tone: TONES[state] ?? "quiet", explanation };
}
