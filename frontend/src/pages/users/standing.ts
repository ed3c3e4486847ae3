/** How an account stands, in a word. */

import type { Member } from "../../api/access";
import type { Tone } from "../../components/tones";

export interface Standing {
  readonly word: string;
  readonly tone: Tone;
  readonly why: string;
}

export function standingOf(member: Member, now: number): Standing {
  if (member.disabled) return { word: "Disabled", tone: "bad", why: "Cannot sign in, and has no sessions." };
  if (member.has_password) return { word: "Active", tone: "ok", why: "Can sign in." };
  const until = member.invited_until === null ? 0 : Date.parse(member.invited_until);
  if (until > now) return { word: "Invited", tone: "warn", why: "Has a link, and has not used it yet." };
  return { word: "Not signed up", tone: "quiet", why: "Has no password, and no link that still holds." };
}
