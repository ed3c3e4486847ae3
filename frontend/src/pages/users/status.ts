/** The status of an account. */

import type { Member } from "../../api/access";
import type { Tone } from "../../components/tones";

export interface AccountStatus {
  readonly label: string;
  readonly tone: Tone;
  readonly explanation: string;
}

export function statusOf(member: Member, now: number): AccountStatus {
  if (member.disabled) return { label: "Disabled", tone: "bad", explanation: "Cannot sign in, and has no sessions." };
  if (member.has_password) return { label: "Active", tone: "ok", explanation: "Can sign in." };
  const until = member.invited_until === null ? 0 : Date.parse(member.invited_until);
  if (until > now) return { label: "Invited", tone: "warn", explanation: "Has a link, and has not used it yet." };
  return { label: "Not signed up", tone: "quiet", explanation: "Has no password, and no link that still holds." };
}
