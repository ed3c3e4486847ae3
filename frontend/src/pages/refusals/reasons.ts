/** Describes why deliveries are refused, and which mistakes could explain an incorrect signature. */

import { inWords } from "../../words";

export interface Reason {
  readonly label: string;
  /** What happened. */
  readonly meaning: string;
  readonly advice: string;
}

const NOT_MANDRILL = "Mandrill does not send this. A proxy modifies bodies, or another client posts here.";
const NO_ACTION = "Nothing, unless a proxy in front drops or changes headers.";
const TRUNCATED = "Check the proxy in front and the network: bodies arrive incomplete.";

const REASONS: Readonly<Record<string, Reason>> = {
  wrong_signature: {
    label: "Wrong signature",
    meaning: "The signature matches none of the configured keys and addresses.",
    advice: "Compare `WEBHOOK_KEYS` and `WEBHOOK_URLS` with the webhook in Mandrill, character by character.",
  },
  no_key: {
    label: "No key",
    meaning: "No key is configured, so every delivery is refused.",
    advice: "Set `WEBHOOK_KEYS` to the key of the webhook, and restart.",
  },
  no_url: {
    label: "No address",
    meaning: "No address is configured, so every delivery is refused.",
    advice: "Set `WEBHOOK_URLS` to the address exactly as entered in Mandrill, and restart.",
  },
  too_large: {
    label: "Too large",
    meaning: "The delivery exceeds the size limit.",
    advice: "Raise `WEBHOOK_MAX_BODY`, and set `WEBHOOK_SPOOL` of nginx above it.",
  },
  form_broken: { label: "Broken form", meaning: "The form cannot be decoded.", advice: NOT_MANDRILL },
  form_field_repeated: {
    label: "Repeated field",
    meaning: "The form contains a field twice.",
    advice: NOT_MANDRILL,
  },
  form_field_extra: {
    label: "Further fields",
    meaning:
      "The form is signed, but has fields other than `mandrill_events`, so the signature does not prove where they are cut.",
    advice: "Mandrill may have added a field. Update this program, or report the field to its authors.",
  },
  form_without_events: {
    label: "Form without events",
    meaning: "The form has no `mandrill_events` field.",
    advice: NOT_MANDRILL,
  },
  form_too_many_fields: {
    label: "Too many fields",
    meaning: "The form has more fields than Mandrill sends.",
    advice: NOT_MANDRILL,
  },
  unsigned: {
    label: "Unsigned",
    meaning: "The delivery has no signature, so it does not come from Mandrill.",
    advice: NO_ACTION,
  },
  media_type: {
    label: "Not a form",
    meaning: "The body is neither a form nor JSON.",
    advice: NO_ACTION,
  },
  slow_body: { label: "Slow body", meaning: "The body took too long to arrive.", advice: TRUNCATED },
  broken_body: { label: "Broken body", meaning: "The body ended early.", advice: TRUNCATED },
};

/** The description of a reason. An unknown reason is labelled with its own code. */
export function reasonOf(code: string): Reason {
  const known = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  return known ?? { label: inWords(code), meaning: "The delivery was not accepted.", advice: NOT_MANDRILL };
}

const CAUSES: Readonly<Record<string, string>> = {
  scheme: "the scheme is http instead of https, or the reverse",
  host: "the host differs",
  port: "the port differs",
  slash: "the trailing slash differs",
  path: "the path differs",
  query_order: "the query parameters are in a different order",
  query_missing: "the query string is missing in `WEBHOOK_URLS`",
  query_extra: "only `WEBHOOK_URLS` has the query string",
  credentials: "the user name or password in the address differs",
  json: "the body was modified in transit",
  undecoded: "the signature covers the value before decoding",
  no_fields: "the signature covers only the address",
  public_key: "the signature uses the key of Mandrill's address check",
  label_in_key: "the label is treated as part of the key",
  decoded_key: "the key was decoded before use",
  hex: "the signature is hexadecimal instead of base64",
  base64: "the signature uses a different base64 variant",
  sha256: "the signature uses SHA-256 instead of SHA-1",
};

/** Describes the mistakes that would explain a signature, such as `scheme+slash`, as a sentence without a full stop. */
export function describeCauses(nearMiss: string): string {
  const text = nearMiss
    .split("+")
    .map((code) => (Object.hasOwn(CAUSES, code) ? CAUSES[code] : code.replaceAll("_", " ")))
    .join(", and ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
