/** Suggestions for the text before the caret. */

import { suggestValues, type SuggestedValue } from "../api/complete";
import type { Context } from "./context";
import { type Field, FIELDS } from "./fields";
import { textOf } from "./parse";
import { labelOf, VOCABULARIES } from "./vocabulary";

export interface Suggestion {
  /** Unique within the list. */
  readonly id: string;
  readonly title: string;
  /** What it is, such as `Reason`; empty among values of one condition. */
  readonly group: string;
  readonly hint: string;
  /** How many events of the last 35 days have the value; null if unknown. */
  readonly count: number | null;
  /** The text that replaces the typed part. */
  readonly insert: string;
  /** Whether the condition is complete, so that it can be applied. */
  readonly completes: boolean;
}

const MAX_SUGGESTIONS = 20;
/** How many words of the interface are suggested for a word. */
const MAX_WORDS = 6;
/** Addresses and names are suggested from this many characters on. */
const MIN_NAME_CHARS = 2;
/** The fields whose values are suggested for a word that names no field, and how many of each. */
const NAMED: readonly (readonly [field: string, group: string, limit: number])[] = [
  ["recipient", "To", MAX_WORDS],
  ["template", "Template", 3],
  ["tag", "Tag", 3],
  ["subaccount", "Subaccount", 3],
];

/** A value with its field, if the context has none. */
export type FoundValue = SuggestedValue & { readonly field?: string };

type Coded = "kind" | "reason" | "actor";
const isCoded = (field: Field): field is Field & { value: Coded } =>
  field.value === "kind" || field.value === "reason" || field.value === "actor";

/** What the server knows about the context: values with their counts. */
export async function fetchValues(context: Context): Promise<readonly FoundValue[]> {
  const { field, typed } = context;
  if (field !== null) return field.suggested ? suggestValues(field.name, isCoded(field) ? "" : typed) : [];
  const key = keyOf(typed);
  if (key !== null) return suggestValues("metadata", key);
  if (typed.length < MIN_NAME_CHARS) return [];
  const found = await Promise.allSettled(NAMED.map(([name]) => suggestValues(name, typed)));
  // A field that fails is left out.
  return found.flatMap((one, at) => {
    const [name = "", , limit] = NAMED[at] ?? [];
    return one.status === "fulfilled" ? one.value.slice(0, limit).map((value) => ({ ...value, field: name })) : [];
  });
}

/** The typed part of a metadata key; null for any other word. */
function keyOf(typed: string): string | null {
  return /^metadata\.(.*)$/i.exec(typed)?.[1] ?? null;
}

/** The suggestions for a context. `values` come from the server. */
export function suggestionsFor(context: Context, values: readonly FoundValue[]): Suggestion[] {
  const { field } = context;
  const found = field === null ? forWord(context, values) : forValue(field, context, values);
  return found.slice(0, MAX_SUGGESTIONS);
}

function forWord({ typed, isExcluded }: Context, values: readonly FoundValue[]): Suggestion[] {
  const word = typed.toLowerCase();
  const minus = isExcluded ? "-" : "";
  if (keyOf(typed) !== null) return values.map(({ value }) => nameSuggestion(`${minus}metadata.${value}:`, ""));
  const names = FIELDS.filter(
    ({ excludable, words }) => (!isExcluded || excludable) && words.some((one) => one.startsWith(word)),
  );
  const fields = names.map(({ words: [shown], hint }) => nameSuggestion(`${minus}${shown}:`, hint));
  const metadata = nameSuggestion(`${minus}metadata.`, "the value of a metadata key");
  const all = "metadata".startsWith(word) ? [...fields, metadata] : fields;
  if (word === "") return all;
  const named = values.map((value) => namedSuggestion(value, isExcluded));
  return [...labelled(word, isExcluded), ...all, ...named];
}

function nameSuggestion(text: string, hint: string): Suggestion {
  return { id: `name ${text}`, title: text, group: "", hint, count: null, insert: text, completes: false };
}

function namedSuggestion({ value, count, field = "recipient" }: FoundValue, isExcluded: boolean): Suggestion {
  const insert = textOf({ name: isExcluded ? `not.${field}` : field, value });
  const group = NAMED.find(([name]) => name === field)?.[1] ?? "";
  return { id: `${field} ${value}`, title: value, group, hint: "", count, insert, completes: true };
}

/** Kinds, reasons and actors whose label contains the word. */
function labelled(word: string, isExcluded: boolean): Suggestion[] {
  const groups = [
    ["kind", "kind", "Kind"],
    ["reason", "reason_class", "Reason"],
    ["actor", "actor", "By"],
  ] as const;
  const found = groups.flatMap(([vocabulary, name, group]) =>
    Object.entries(VOCABULARIES[vocabulary].labels)
      .filter(([, label]) => label.toLowerCase().includes(word))
      .map(([code, label]) => ({
        id: `${name} ${code}`,
        title: label,
        group,
        hint: "",
        count: null,
        insert: textOf({ name: isExcluded ? `not.${name}` : name, value: code }),
        completes: true,
      })),
  );
  return found.slice(0, MAX_WORDS);
}

function forValue(field: Field, { typed }: Context, values: readonly SuggestedValue[]): Suggestion[] {
  const suggestion = (value: string, title: string, hint: string, count: number | null): Suggestion => {
    // Only what follows the name replaces the typed value.
    const text = textOf({ name: field.name, value });
    return {
      id: `value ${value}`,
      title,
      group: "",
      hint,
      count,
      insert: text.slice(text.indexOf(":") + 1),
      completes: true,
    };
  };
  if (isCoded(field)) return forCode(field.value, typed, values, suggestion);
  if (field.value === "time") return TIMES.filter(([text]) => text.startsWith(typed.toLowerCase())).map(timeSuggestion);
  if (field.value === "yesNo") {
    return [suggestion("true", "yes", "", null), suggestion("false", "no", "", null)].filter(({ title }) =>
      title.startsWith(typed),
    );
  }
  return values.map(({ value, count }) => suggestion(value, value, "", count));
}

/** All codes of the vocabulary and of stored events, the most frequent ones first. */
function forCode(
  vocabulary: Coded,
  typed: string,
  values: readonly SuggestedValue[],
  suggestion: (value: string, title: string, hint: string, count: number | null) => Suggestion,
): Suggestion[] {
  const counts = new Map(values.map(({ value, count }) => [value, count ?? 0]));
  const codes = [...new Set([...counts.keys(), ...Object.keys(VOCABULARIES[vocabulary].labels)])];
  return codes
    .map((code) => suggestion(code, labelOf(vocabulary, code), "", values.length > 0 ? (counts.get(code) ?? 0) : null))
    .filter(({ title, id }) => title.toLowerCase().includes(typed.toLowerCase()) || id.includes(typed.toLowerCase()));
}

const TIMES: readonly (readonly [text: string, hint: string])[] = [
  ["1h", "an hour ago"],
  ["24h", "24 hours ago"],
  ["7d", "7 days ago"],
  ["30d", "30 days ago"],
  ["today", "the start, or the end, of today"],
  ["yesterday", "the start, or the end, of yesterday"],
];

function timeSuggestion([text, hint]: readonly [string, string]): Suggestion {
  return { id: `time ${text}`, title: text, group: "", hint, count: null, insert: text, completes: true };
}
