/**
 * The conditions that users can type. Typed words are those of the interface, such as `to:` for the recipient and `since:` for the start of
 * the time range; addresses of pages and the API use the parameter names.
 */

/** What a value has to be. */
export type ValueKind = "kind" | "reason" | "actor" | "address" | "text" | "yesNo" | "time";

export interface Field {
  /** The name of the API's parameter. */
  readonly name: string;
  /** The words for it; the first one is shown, and the parameter's name is one of them unless it means something else. */
  readonly words: readonly [string, ...string[]];
  /** One line for the list of conditions. */
  readonly hint: string;
  readonly value: ValueKind;
  /** Whether `-word:value` leaves out what has the value. */
  readonly excludable?: true;
  /** Whether the server suggests values. */
  readonly suggested?: true;
  /** Whether `word:start*` and `word:*part*` select by a part of the value. */
  readonly parts?: true;
}

export const FIELDS: readonly Field[] = [
  {
    name: "kind",
    words: ["kind", "status", "event"],
    hint: "what happened: opened, bounced",
    value: "kind",
    excludable: true,
    suggested: true,
  },
  {
    name: "recipient",
    words: ["to", "recipient", "email"],
    hint: "who the mail went to",
    value: "address",
    excludable: true,
    suggested: true,
  },
  {
    name: "sender",
    words: ["from", "sender"],
    hint: "who sent the mail",
    value: "address",
    excludable: true,
    suggested: true,
  },
  { name: "subject", words: ["subject"], hint: "a part of the subject", value: "text" },
  {
    name: "tag",
    words: ["tag", "tags"],
    hint: "a tag of the message",
    value: "text",
    excludable: true,
    suggested: true,
    parts: true,
  },
  {
    name: "template",
    words: ["template"],
    hint: "the message's template",
    value: "text",
    excludable: true,
    suggested: true,
    parts: true,
  },
  {
    name: "subaccount",
    words: ["subaccount"],
    hint: "the message's subaccount",
    value: "text",
    excludable: true,
    suggested: true,
    parts: true,
  },
  {
    name: "reason_class",
    words: ["reason", "reason_class", "why"],
    hint: "why mail was not delivered",
    value: "reason",
    excludable: true,
    suggested: true,
  },
  {
    name: "actor",
    words: ["by", "actor"],
    hint: "who opened or clicked: a person, a bot",
    value: "actor",
    excludable: true,
    suggested: true,
  },
  {
    name: "domain",
    words: ["domain"],
    hint: "the domain of the recipient's address",
    value: "text",
    excludable: true,
    suggested: true,
  },
  {
    name: "url",
    words: ["link", "url"],
    hint: "the link that was clicked",
    value: "text",
    excludable: true,
    suggested: true,
  },
  { name: "ip", words: ["ip"], hint: "the IP address of an open or click", value: "text", excludable: true },
  {
    name: "message_id",
    words: ["message", "message_id", "id"],
    hint: "the message's id",
    value: "text",
    excludable: true,
  },
  { name: "simulated", words: ["simulated"], hint: "yes or no", value: "yesNo" },
  { name: "from", words: ["since", "after"], hint: "received since: 90m, 24h, 7d or a date", value: "time" },
  { name: "to", words: ["until", "before"], hint: "received before: the same", value: "time" },
];

const METADATA = /^metadata\.(.+)$/;

/** A key of the metadata as a field. */
function metadataField(key: string): Field {
  const name = `metadata.${key}`;
  return {
    name,
    words: [name],
    hint: "the value of a metadata key",
    value: "text",
    excludable: true,
    suggested: true,
  };
}

/** The field with this typed word, such as `To`. */
export function fieldOfWord(word: string): Field | undefined {
  const key = /^metadata\.(.+)$/i.exec(word)?.[1];
  if (key !== undefined) return metadataField(key);
  return FIELDS.find(({ words }) => words.includes(word.toLowerCase()));
}

/** The field of a parameter, such as `recipient`; for `not.tag` and `tag.prefix`, the field `tag`. */
export function fieldOfParameter(parameter: string): Field | undefined {
  const name = parameter.replace(/^not\./, "");
  const key = METADATA.exec(name)?.[1];
  if (key !== undefined) return metadataField(key);
  const [base, part] = name.split(".");
  const field = FIELDS.find((one) => one.name === base);
  if (part === undefined) return field;
  return field?.parts && name === parameter && (part === "prefix" || part === "contains") ? field : undefined;
}
