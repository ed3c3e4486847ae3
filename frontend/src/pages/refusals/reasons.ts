/** Describes why deliveries are refused, and which mistakes could explain an incorrect signature. */

import { inWords } from "../../words";
import { texts } from "./texts";

export interface Reason {
  readonly label: string;
  /** What happened. */
  readonly meaning: string;
  readonly advice: string;
}

const NOT_MANDRILL = texts.mandrillDoesNotSend;
const NO_ACTION = texts.nothingUnlessAProxy;
const TRUNCATED = texts.checkTheProxyIn;

const REASONS: Readonly<Record<string, Reason>> = {
  wrong_signature: {
    label: texts.wrongSignature,
    meaning: texts.theSignatureMatchesNone,
    advice: texts.compareWEBHOOKKEYSAnd,
  },
  no_key: {
    label: texts.noKey,
    meaning: texts.noKeyIsConfigured,
    advice: texts.setWEBHOOKKEYSTo,
  },
  no_url: {
    label: texts.noAddress,
    meaning: texts.noAddressIsConfigured,
    advice: texts.setWEBHOOKURLSTo,
  },
  too_large: {
    label: texts.tooLarge,
    meaning: texts.theDeliveryExceedsThe,
    advice: texts.raiseWEBHOOKMAXBODY,
  },
  form_broken: { label: texts.brokenForm, meaning: texts.theFormCannotBe, advice: NOT_MANDRILL },
  form_field_repeated: {
    label: texts.repeatedField,
    meaning: texts.theFormContainsA,
    advice: NOT_MANDRILL,
  },
  form_field_extra: {
    label: texts.furtherFields,
    meaning: texts.theFormIsSigned,
    advice: texts.mandrillMayHaveAdded,
  },
  form_without_events: {
    label: texts.formWithoutEvents,
    meaning: texts.theFormHasNo,
    advice: NOT_MANDRILL,
  },
  form_too_many_fields: {
    label: texts.tooManyFields,
    meaning: texts.theFormHasMore,
    advice: NOT_MANDRILL,
  },
  unsigned: {
    label: texts.unsigned,
    meaning: texts.theDeliveryHasNo,
    advice: NO_ACTION,
  },
  media_type: {
    label: texts.notAForm,
    meaning: texts.theBodyIsNeither,
    advice: NO_ACTION,
  },
  slow_body: { label: texts.slowBody, meaning: texts.theBodyTookToo, advice: TRUNCATED },
  broken_body: { label: texts.brokenBody, meaning: texts.theBodyEndedEarly, advice: TRUNCATED },
};

/** The description of a reason. An unknown reason is labelled with its own code. */
export function reasonOf(code: string): Reason {
  const known = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  return known ?? { label: inWords(code), meaning: texts.theDeliveryWasNot, advice: NOT_MANDRILL };
}

const CAUSES: Readonly<Record<string, string>> = {
  scheme: texts.theSchemeIsHttp,
  host: texts.theHostDiffers,
  port: texts.thePortDiffers,
  slash: texts.theTrailingSlashDiffers,
  path: texts.thePathDiffers,
  query_order: texts.theQueryParametersAre,
  query_missing: texts.theQueryStringIs,
  query_extra: texts.onlyWEBHOOKURLSHas,
  credentials: texts.theUserNameOr,
  json: texts.theBodyWasModified,
  undecoded: texts.theSignatureCoversThe,
  no_fields: texts.theSignatureCoversOnly,
  public_key: texts.theSignatureUsesThe,
  label_in_key: texts.theLabelIsTreated,
  decoded_key: texts.theKeyWasDecoded,
  hex: texts.theSignatureIsHexadecimal,
  base64: texts.theSignatureUsesA,
  sha256: texts.theSignatureUsesSHA,
};

/** Describes the mistakes that would explain a signature, such as `scheme+slash`, as a sentence without a full stop. */
export function describeCauses(nearMiss: string): string {
  const text = nearMiss
    .split("+")
    .map((code) => (Object.hasOwn(CAUSES, code) ? CAUSES[code] : code.replaceAll("_", " ")))
    .join(", and ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
