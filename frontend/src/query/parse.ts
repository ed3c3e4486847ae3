/** Reads what users type into conditions: `kind:opened -tag:vip to:ada@example.com some words`. */

import { type Field, fieldOfParameter, fieldOfWord } from "./fields";
import { boundOf } from "../times/parse";
import { codeOf, labelOf } from "./vocabulary";

/** A condition of the filter, with the name of the API's parameter, such as `not.tag` or `tag.prefix`. */
export interface Condition {
  readonly name: string;
  readonly value: string;
}

/** Typed text that is not a condition, with what is wrong and what may be meant. */
export interface Mistake {
  readonly text: string;
  readonly problem: string;
  /** Text to type instead. */
  readonly suggestion: string | null;
}

export interface Parsed {
  readonly conditions: readonly Condition[];
  readonly mistakes: readonly Mistake[];
  /** The words to search for, without quotes. */
  readonly words: string;
}

/** Texts between blanks; quotes hold blanks together, and a backslash takes the next sign as it is. */
const TOKEN = /(?:"(?:[^"\\]|\\.)*"?|[^\s"])+/g;
const CONDITION = /^(-?)((?:[a-z_]+)|metadata\.[^:]+):(.*)$/isu;

export function parseQuery(text: string): Parsed {
  const [conditions, mistakes, words]: [Condition[], Mistake[], string[]] = [[], [], []];
  for (const [token] of text.matchAll(TOKEN)) {
    const [, minus = "", word = "", value = ""] = CONDITION.exec(token) ?? [];
    if (word === "" || value.startsWith("//")) {
      words.push(token);
      continue;
    }
    const read = readCondition(token, minus !== "", word, value);
    if ("problem" in read) mistakes.push(read);
    else conditions.push(read);
  }
  const meant = conditionOfLabel(words.join(" "));
  if (meant && !conditions.some(({ name }) => name === meant.name))
    return { conditions: [...conditions, meant], mistakes, words: "" };
  return { conditions, mistakes, words: words.map(unquote).join(" ").trim() };
}

/** A word of the interface that is the only text, such as `Bounced` or `Mailbox full`, stands for its condition. Quotes make it text. */
export function conditionOfLabel(text: string): Condition | null {
  for (const [vocabulary, name] of [
    ["kind", "kind"],
    ["reason", "reason_class"],
    ["actor", "actor"],
  ] as const) {
    const code = text === "" ? undefined : codeOf(vocabulary, text);
    if (code !== undefined) return { name, value: code };
  }
  return null;
}

function readCondition(token: string, isExcluded: boolean, word: string, value: string): Condition | Mistake {
  const mistake = (problem: string, suggestion: string | null = null): Mistake => ({
    text: token,
    problem,
    suggestion,
  });
  const field = fieldOfWord(word);
  if (field === undefined) return mistake(`There is no condition “${word}”.`, quote(token));
  if (unquote(value).trim() === "") return mistake(`A value for “${word}:” is missing.`);
  if (isExcluded && !field.excludable) return mistake(`“${word}” cannot be excluded.`, token.slice(1));
  const prefix = isExcluded ? "not." : "";
  switch (field.value) {
    case "kind":
    case "reason":
    case "actor":
      return readList(field.value, prefix + field.name, value, mistake);
    case "time":
      return readTime(field.name, word, value, mistake);
    case "yesNo":
      return readYesNo(field.name, value, mistake);
    case "address":
      return readAddress(prefix, field, word, value, mistake);
    default:
      return readText(prefix, field, word, value, mistake);
  }
}

type Report = (problem: string, suggestion?: string | null) => Mistake;

function readList(vocabulary: "kind" | "reason" | "actor", name: string, value: string, mistake: Report) {
  const codes: string[] = [];
  for (const [part] of value.matchAll(/(?:"(?:[^"\\]|\\.)*"?|[^,"])+/g)) {
    const typed = unquote(part).trim();
    if (typed === "") continue;
    // A quoted kind is taken as it is: Mandrill can send kinds that this page does not know.
    const code = codeOf(vocabulary, typed) ?? (vocabulary === "kind" && part.includes('"') ? typed : undefined);
    if (code === undefined) return mistake(`“${typed}” is not one of the values.`);
    if (!codes.includes(code)) codes.push(code);
  }
  return { name, value: codes.join(",") };
}

function readTime(name: string, word: string, value: string, mistake: Report): Condition | Mistake {
  const bound = boundOf(unquote(value), name === "to");
  return bound === null
    ? mistake(`“${word}:” takes 90m, 24h, 7d or a date such as 2026-11-24.`)
    : { name, value: bound };
}

function readYesNo(name: string, value: string, mistake: Report): Condition | Mistake {
  const typed = unquote(value).toLowerCase();
  if (["yes", "true"].includes(typed)) return { name, value: "true" };
  return ["no", "false"].includes(typed) ? { name, value: "false" } : mistake("The value is yes or no.");
}

function readAddress(prefix: string, field: Field, word: string, value: string, mistake: Report): Condition | Mistake {
  const typed = unquote(value);
  const isQuoted = value.includes('"');
  if (!isQuoted && field.name === "recipient" && /^@[^@]+$/.test(typed))
    return { name: `${prefix}domain`, value: typed.slice(1) };
  if (!isQuoted && !typed.includes("@")) {
    const time = field.name === "sender" ? "since" : "until";
    if (boundOf(typed, false) !== null)
      return mistake(`“${word}:” takes an address. Did you mean “${time}:”?`, `${time}:${value}`);
    return mistake(`“${word}:” takes a whole address, such as ada@example.com.`, typed);
  }
  return { name: prefix + field.name, value: typed };
}

function readText(prefix: string, field: Field, word: string, value: string, mistake: Report): Condition | Mistake {
  if (!field.parts || !/^\*|\*$/.test(value)) return { name: prefix + field.name, value: unquote(value) };
  const [, before = "", part = "", after = ""] = /^(\*?)(.*?)(\*?)$/s.exec(value) ?? [];
  const text = unquote(part);
  if (prefix !== "") return mistake("A part of a value cannot be excluded.");
  if (text === "") return mistake(`A value for “${word}:” is missing.`);
  if (after === "") return mistake("The end alone cannot be searched.", `${word}:*${part}*`);
  return { name: `${field.name}.${before === "" ? "prefix" : "contains"}`, value: text };
}

/** Removes quotes and backslashes: `"a \"b\""` is `a "b"`. */
function unquote(text: string): string {
  return text.replace(/"((?:[^"\\]|\\.)*)"?/g, (_, inner: string) => inner.replace(/\\(.)/gs, "$1"));
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

/** Quotes a value only if it would be read differently without quotes. */
function quoteIfNeeded(text: string): string {
  return /[\s"]|^\*|\*$/.test(text) ? quote(text) : text;
}

/** What a user would type for a condition. */
export function textOf({ name, value }: Condition): string {
  const field = fieldOfParameter(name);
  if (field === undefined) return quoteIfNeeded(value);
  const start = `${name.startsWith("not.") ? "-" : ""}${field.words[0]}:`;
  const { value: type } = field;
  if (type === "kind" || type === "reason" || type === "actor")
    return (
      start +
      value
        .split(",")
        .map((code) => typedCode(type, code))
        .join(",")
    );
  if (type === "yesNo") return start + (value === "true" ? "yes" : "no");
  if (type === "address")
    return start + (value.includes("@") && !value.startsWith("@") ? quoteIfNeeded(value) : quote(value));
  if (name.endsWith(".prefix") && field.parts) return `${start}${quoteInside(value)}*`;
  if (name.endsWith(".contains") && field.parts) return `${start}*${quoteInside(value)}*`;
  return start + quoteIfNeeded(value);
}

/** A code as typed: its label, if the label leads back to it. */
function typedCode(vocabulary: "kind" | "reason" | "actor", code: string): string {
  const label = labelOf(vocabulary, code).toLowerCase().replace(/^an? /, "");
  if (codeOf(vocabulary, label) === code) return /[\s,"]/.test(label) ? quote(label) : label;
  return quote(code);
}

function quoteInside(text: string): string {
  return /[\s"*]/.test(text) ? quote(text) : text;
}

/** The text for words: words that would be read as a condition are quoted. */
export function textOfWords(words: string): string {
  const isPlain = conditionOfLabel(words) === null;
  return words
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => (isPlain && !word.includes('"') && !CONDITION.test(word) ? word : quote(word)))
    .join(" ");
}
