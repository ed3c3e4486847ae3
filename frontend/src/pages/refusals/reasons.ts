/** Why deliveries are refused, and what would have been right, in words. */

import { inWords } from "../../words";

export interface Reason {
  readonly word: string;
  /** What has happened. */
  readonly means: string;
  readonly advice: string;
  /** Whether somebody has signed it, and so may well be Mandrill. */
  readonly signed: boolean;
}

const NOT_MANDRILL = "Mandrill does not send this: a proxy changes bodies on the way, or somebody else posts here.";
const NOTHING = "Nothing, unless a proxy in front drops or changes headers.";
const BROKEN_OFF = "Look at the proxy in front, or at the network: bodies are broken off.";

const REASONS: Readonly<Record<string, Reason>> = {
  wrong_signature: {
    word: "Wrong signature",
    means: "The signature fits none of the configured keys and addresses.",
    advice: "Compare `WEBHOOK_KEYS` and `WEBHOOK_URLS` with the webhook in Mandrill, character by character.",
    signed: true,
  },
  no_key: {
    word: "No key",
    means: "No key is configured, so every delivery is refused.",
    advice: "Put the webhook's key into `WEBHOOK_KEYS`, and restart.",
    signed: true,
  },
  no_url: {
    word: "No address",
    means: "No address is configured, so every delivery is refused.",
    advice: "Put the address exactly as typed into Mandrill into `WEBHOOK_URLS`, and restart.",
    signed: true,
  },
  too_large: {
    word: "Too large",
    means: "The delivery is larger than is taken.",
    advice: "Raise `WEBHOOK_MAX_BODY`, and `WEBHOOK_SPOOL` of nginx above it.",
    signed: true,
  },
  form_broken: { word: "Broken form", means: "The form cannot be decoded.", advice: NOT_MANDRILL, signed: true },
  form_field_repeated: {
    word: "Repeated field",
    means: "The form holds a field twice.",
    advice: NOT_MANDRILL,
    signed: true,
  },
  form_without_events: {
    word: "Form without events",
    means: "The form holds no field `mandrill_events`.",
    advice: NOT_MANDRILL,
    signed: true,
  },
  form_too_many_fields: {
    word: "Too many fields",
    means: "The form holds more fields than Mandrill sends.",
    advice: NOT_MANDRILL,
    signed: false,
  },
  unsigned: {
    word: "Unsigned",
    means: "Somebody other than Mandrill posts here.",
    advice: NOTHING,
    signed: false,
  },
  media_type: { word: "Not a form", means: "The body is neither a form nor JSON.", advice: NOTHING, signed: false },
  slow_body: { word: "Slow body", means: "The body took too long to arrive.", advice: BROKEN_OFF, signed: false },
  broken_body: { word: "Broken body", means: "The body ended early.", advice: BROKEN_OFF, signed: false },
};

/** What a reason means; one that is not known is called by its own name. */
export function reasonOf(code: string): Reason {
  const known = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  return known ?? { word: inWords(code), means: "The delivery was not accepted.", advice: NOT_MANDRILL, signed: false };
}

const CAUSES: Readonly<Record<string, string>> = {
  scheme: "http for https, or the other way round",
  host: "another host",
  port: "another port",
  slash: "a slash at the end too many or too few",
  path: "another path",
  query_order: "the query in another order",
  query_missing: "a query that is missing in `WEBHOOK_URLS`",
  query_extra: "a query that only `WEBHOOK_URLS` has",
  credentials: "another user and password in the address",
  json: "a body that was written anew on its way",
  undecoded: "the value signed as it is encoded",
  no_fields: "the address signed alone",
  public_key: "the key of the address check",
  label_in_key: "the label taken for a part of the key",
  decoded_key: "the key decoded before use",
  hex: "hexadecimal for base64",
  base64: "another base64",
  sha256: "SHA-256 for SHA-1",
};

/** The mistakes that would explain a signature, such as `scheme+slash`, in words. */
export function causesInWords(nearMiss: string): string {
  return nearMiss
    .split("+")
    .map((code) => (Object.hasOwn(CAUSES, code) ? CAUSES[code] : code.replaceAll("_", " ")))
    .join(", and ");
}
