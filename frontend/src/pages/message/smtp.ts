/** Explains SMTP responses in plain language. */

/** By enhanced status code (RFC 3463). */
const BY_STATUS: Readonly<Record<string, string>> = {
  "4.2.2": "The mailbox is full; it may have room again later.",
  "5.2.2": "The mailbox is full.",
  "5.1.1": "There is no such mailbox at that server.",
  "5.1.2": "The domain of the address does not exist.",
  "5.1.10": "There is no such mailbox at that server.",
  "5.2.1": "The mailbox exists, and takes no mail.",
  "5.3.4": "The message is larger than the server takes.",
  "5.4.1": "The server takes no mail for that address.",
  "5.7.1": "The server refuses mail from this sender or address, by a rule of its own.",
  "5.7.26": "The mail failed the sender checks (SPF, DKIM, DMARC).",
  "4.7.0": "The server wants less mail from this address for now; it is tried again.",
  "4.7.1": "The server puts off mail from senders that it does not know yet; it is tried again.",
  "4.4.1": "The server did not answer; it is tried again.",
  "4.4.2": "The connection broke; it is tried again.",
};

/** Matched by text, which takes precedence because many servers use generic status codes. */
const BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [
    /spamhaus|block ?list|blacklist|listed (?:in|at|by)/i,
    "The sending address is on a block list that this server asks.",
  ],
  [/grey ?list/i, "The server puts off mail from senders that it does not know yet; it is tried again."],
  [/dmarc|dkim|spf\b/i, "The mail failed the sender checks (SPF, DKIM, DMARC)."],
  [/mailbox (?:is )?full|over ?quota|quota exceeded/i, "The mailbox is full."],
  [
    /user unknown|no such user|unknown user|does not exist|user not found|mailbox unavailable/i,
    "There is no such mailbox at that server.",
  ],
  [/spam|content rejected|message refused/i, "The server took it for spam."],
];

/** Explains an SMTP response or bounce text; empty if there is nothing to add to the text. */
export function explainReply(text: string | null): string {
  if (text === null) return "";
  const byText = BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
  if (byText !== undefined) return byText;
  const status = /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(text)?.[1];
  const byStatus = status !== undefined && Object.hasOwn(BY_STATUS, status) ? BY_STATUS[status] : undefined;
  if (byStatus !== undefined) return byStatus;
  const code = /\b([45])\d\d\b/.exec(text)?.[1];
  if (code === "4") return "The server could not take it for now; it is tried again.";
  if (code === "5") return "The server refused it for good.";
  return "";
}
