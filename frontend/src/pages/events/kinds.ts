/** How each kind of event is shown: a word, a tone and an icon, so that colour is never alone. */

import type { MailEvent } from "../../api/types";
import type { Tone } from "../../components/tones";
import { inWords } from "../../words";

export type Shape = "dot" | "ring" | "half" | "cross" | "arrow" | "eye" | "flag" | "list" | "in";

export interface Look {
  readonly word: string;
  readonly tone: Tone;
  readonly shape: Shape;
}

const LOOKS: Readonly<Record<string, Look>> = {
  send: { word: "Sent", tone: "ok", shape: "ring" },
  delivered: { word: "Delivered", tone: "ok", shape: "dot" },
  deferral: { word: "Deferred", tone: "warn", shape: "half" },
  soft_bounce: { word: "Soft bounce", tone: "warn", shape: "cross" },
  hard_bounce: { word: "Bounced", tone: "bad", shape: "cross" },
  reject: { word: "Rejected", tone: "bad", shape: "cross" },
  spam: { word: "Spam", tone: "bad", shape: "flag" },
  unsub: { word: "Unsubscribed", tone: "quiet", shape: "arrow" },
  open: { word: "Opened", tone: "engaged", shape: "eye" },
  click: { word: "Clicked", tone: "engaged", shape: "arrow" },
  inbound: { word: "Received", tone: "quiet", shape: "in" },
};

/** How an event of this kind looks; one that is not known is shown by its own name. */
export function lookOf(kind: string): Look {
  const known = Object.hasOwn(LOOKS, kind) ? LOOKS[kind] : undefined;
  if (known) return known;
  const word = inWords(kind.replace("blacklist", "denylist").replace("whitelist", "allowlist"));
  return { word, tone: "quiet", shape: "list" };
}

/** The one thing about an event that tells most: where it was opened, which link, why it bounced. */
export function detailOf(event: MailEvent): string {
  const place = [event.city, event.country].filter(Boolean).join(", ");
  switch (event.kind) {
    case "open":
      return [place, clientOf(event.user_agent)].filter(Boolean).join(" · ");
    case "click":
      return event.url ?? place;
    case "inbound":
      return event.sender ? `from ${event.sender}` : "";
    default:
      return event.diagnostic ?? "";
  }
}

/** The mail client or browser of a user agent, in a word where it is known. */
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
