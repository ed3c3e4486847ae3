/** The status of an account. */

import type { Member } from "../../api/access";
import type { Tone } from "../../components/tones";
import { texts } from "./texts";

export interface AccountStatus {
  readonly label: string;
  readonly tone: Tone;
  readonly explanation: string;
}

export function statusOf(member: Member, now: number): AccountStatus {
  if (member.disabled) return { label: texts.disabled, tone: "bad", explanation: texts.cannotSignInAnd };
  if (member.has_password) return { label: texts.active, tone: "ok", explanation: texts.canSignIn };
  const until = member.invited_until === null ? 0 : Date.parse(member.invited_until);
  if (until > now) return { label: texts.invited, tone: "warn", explanation: texts.hasALinkAnd };
  return { label: texts.notSignedUp, tone: "quiet", explanation: texts.hasNoPasswordAnd };
}
