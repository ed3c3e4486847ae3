/** What the text before the caret is about: the name of a condition, one of its values, or a word. */

import { type Field, fieldOfWord } from "./fields";

export interface Context {
  /** The range of the text that a suggestion replaces. */
  readonly start: number;
  readonly end: number;
  /** Null while a name or a word is typed. */
  readonly field: Field | null;
  readonly isExcluded: boolean;
  /** The part of the name or value before the caret, without quotes and asterisks. */
  readonly typed: string;
}

/** `start` and `end` enclose the whole word, or the value of the list at the caret. */
export function contextAt(text: string, caret: number): Context {
  const tokenStart = startOfToken(text, caret);
  const rest = /^(?:"[^"]*"?|[^\s"])*/.exec(text.slice(caret))?.[0] ?? "";
  const [, minus = "", word = ""] = /^(-?)([a-z_]+|metadata\.[^:\s]+):/i.exec(text.slice(tokenStart, caret)) ?? [];
  const field = word === "" ? undefined : fieldOfWord(word);
  if (field === undefined) {
    const name = text.slice(tokenStart, caret);
    const isExcluded = name.startsWith("-");
    return {
      start: tokenStart,
      end: caret + rest.length,
      field: null,
      isExcluded,
      typed: bare(isExcluded ? name.slice(1) : name),
    };
  }
  const valueStart = tokenStart + minus.length + word.length + 1;
  const isList = field.value === "kind" || field.value === "reason" || field.value === "actor";
  const comma = isList ? lastComma(text.slice(valueStart, caret)) : -1;
  const start = valueStart + comma + 1;
  const end = caret + (isList ? (/^(?:"[^"]*"?|[^\s",])*/.exec(rest)?.[0] ?? "") : rest).length;
  return { start, end, field, isExcluded: minus !== "", typed: bare(text.slice(start, caret)) };
}

/** The start of the word that contains the caret. Blanks in quotes are part of the word. */
function startOfToken(text: string, caret: number): number {
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < caret; at++) {
    if (text[at] === '"' && text[at - 1] !== "\\") isQuoted = !isQuoted;
    if (!isQuoted && /\s/.test(text[at] ?? "")) start = at + 1;
  }
  return start;
}

function lastComma(text: string): number {
  let last = -1;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    if (text[at] === "," && !isQuoted) last = at;
  }
  return last;
}

function bare(text: string): string {
  return text.replace(/["*]/g, "");
}
