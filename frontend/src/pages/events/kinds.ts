/** How each event kind is shown: a label, a tone and an icon, so that colour is never the only cue. */

import type { MailEvent } from "../../api/types";
import type { Tone } from "../../components/tones";
import { inWords } from "../../words";
import { actorLabel, isMachine, placeOf, reasonLabel } from "./verdict";
import { texts } from "./texts";

export type KindIcon = "dot" | "ring" | "half" | "cross" | "arrow" | "eye" | "flag" | "list" | "in" | "leave";

export interface KindStyle {
  readonly label: string;
  readonly tone: Tone;
  readonly icon: KindIcon;
}

const STYLES: Readonly<Record<string, KindStyle>> = {
  send: { label: texts.sent, tone: "ok", icon: "ring" },
  delivered: { label: texts.delivered, tone: "ok", icon: "dot" },
  deferral: { label: texts.deferred, tone: "warn", icon: "half" },
  soft_bounce: { label: texts.softBounce, tone: "warn", icon: "cross" },
  hard_bounce: { label: texts.bounced, tone: "bad", icon: "cross" },
  reject: { label: texts.rejected, tone: "bad", icon: "cross" },
  spam: { label: texts.spam, tone: "bad", icon: "flag" },
  unsub: { label: texts.unsubscribed, tone: "quiet", icon: "leave" },
  open: { label: texts.opened, tone: "engaged", icon: "eye" },
  click: { label: texts.clicked, tone: "engaged", icon: "arrow" },
  inbound: { label: texts.received, tone: "quiet", icon: "in" },
};

/** The style of a kind. An unknown kind is labelled with its own name. */
export function kindStyle(kind: string): KindStyle {
  const known = Object.hasOwn(STYLES, kind) ? STYLES[kind] : undefined;
  if (known) return known;
  const label = inWords(kind.replace("blacklist", "denylist").replace("whitelist", "allowlist"));
  return { label, tone: "quiet", icon: "list" };
}

/** The most informative detail of an event: where it was opened, which link was clicked, why it bounced. */
export function detailOf(event: MailEvent): string {
  const machine = isMachine(event.actor) ? actorLabel(event.actor) : "";
  switch (event.kind) {
    case "open":
      return [machine, placeOf(event), clientOf(event.user_agent)].filter(Boolean).join(" · ");
    case "click":
      // Without what all addresses begin with, so that the telling part is not cut off.
      return [machine, event.url?.replace(/^https?:\/\/(?:www\.)?/, "") ?? placeOf(event)].filter(Boolean).join(" · ");
    case "inbound":
      return event.sender ? texts.from(event.sender) : "";
    default:
      return [reasonLabel(event.reason_class), event.diagnostic].filter(Boolean).join(" · ");
  }
}

/** Like `detailOf`, where there is room: a click also tells where and with what. */
export function fullDetailOf(event: MailEvent): string {
  if (event.kind !== "click") return detailOf(event);
  return [event.url, placeOf(event), clientOf(event.user_agent)].filter(Boolean).join(" · ");
}

/** The name of the mail client or browser; empty if it is unknown. */
function clientOf(agent: string | null): string {
  if (!agent) return "";
  const known: readonly (readonly [RegExp, string])[] = [
    [/GoogleImageProxy/, "Gmail"],
    [/YahooMailProxy/, "Yahoo Mail"],
    [/Outlook|MSOffice/, "Outlook"],
    [/Thunderbird/, "Thunderbird"],
    [/Edg\//, "Edge"],
    [/Firefox\//, "Firefox"],
    [/Chrome\//, "Chrome"],
    [/iPhone|iPad/, "iOS"],
    [/Macintosh/, "macOS"],
  ];
  return known.find(([pattern]) => pattern.test(agent))?.[1] ?? "";
}
