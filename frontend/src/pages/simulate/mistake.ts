/**
 * Where a text stops being JSON. Browsers say it in words of their own, and not all of them say where; so it is looked for here,
 * once `JSON.parse` has refused.
 */

export interface Mistake {
  /** Where in the text. */
  readonly at: number;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly what: string;
  /** The line itself, around that place, and where in this piece it is. */
  readonly piece: string;
  readonly caret: number;
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
/** Of a long line so much is shown on either side. */
const AROUND = 40;

/** What may come next. */
type Expected = "value" | "value or ]" | "name" | "name or }" | "colon" | "comma or end";

/** Where and why the text is no JSON; null if it is. */
export function mistakeIn(text: string): Mistake | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const found = look(text) ?? { at: 0, what: (error as Error).message };
    return { ...found, ...placeOf(text, found.at) };
  }
}

function placeOf(text: string, at: number): Omit<Mistake, "at" | "what"> {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const lineEnd = text.indexOf("\n", at);
  const end = lineEnd < 0 ? text.length : lineEnd;
  const from = Math.max(start, at - AROUND);
  return {
    line: text.slice(0, start).split("\n").length,
    column: at - start + 1,
    piece: text.slice(from, Math.min(end, at + AROUND)).replaceAll("\t", " "),
    caret: at - from,
  };
}

/** Walks over the text as a parser does, with a stack of its own: however deep it is nested, it ends. */
function look(text: string): { at: number; what: string } | null {
  const open: ("[" | "{")[] = [];
  let expected: Expected = "value";
  let at = 0;

  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    at += found?.[0].length ?? 0;
    return found !== null;
  };
  const closes = (end: string): boolean => {
    if (text[at] !== end) return false;
    at += 1;
    open.pop();
    expected = "comma or end";
    return true;
  };

  for (;;) {
    skip(SPACE);
    const next = text[at];
    const inside = open.at(-1);
    if (next === undefined) {
      if (expected === "comma or end" && inside === undefined) return null;
      if (inside !== undefined) return { at, what: `The text ends, and a “${inside}” is still open.` };
      return { at, what: "There is nothing here." };
    }
    if (expected === "comma or end") {
      if (inside === undefined) return { at, what: "Something follows after the end." };
      if (closes(inside === "[" ? "]" : "}")) continue;
      if (next !== ",") return { at, what: `A comma or “${inside === "[" ? "]" : "}"}” is missing before this.` };
      at += 1;
      expected = inside === "[" ? "value" : "name";
      continue;
    }
    if (expected === "colon") {
      if (next !== ":") return { at, what: "A colon is missing after the name." };
      at += 1;
      expected = "value";
      continue;
    }
    if (expected === "value or ]" && closes("]")) continue;
    if (expected === "name or }" && closes("}")) continue;
    if (next === '"') {
      const problem = skipString(text, at);
      if (typeof problem !== "number") return problem;
      at = problem;
      expected = expected.startsWith("name") ? "colon" : "comma or end";
      continue;
    }
    if (expected.startsWith("name")) {
      return {
        at,
        what: next === "}" ? "There is a comma too many before this." : "A name in double quotes belongs here.",
      };
    }
    if (next === "[" || next === "{") {
      open.push(next);
      at += 1;
      expected = next === "[" ? "value or ]" : "name or }";
      continue;
    }
    if (!skip(WORD) && !skip(NUMBER)) {
      if (next === "]" || next === "}") return { at, what: "A value is missing before this." };
      return { at, what: next === "'" ? "Texts stand in double quotes." : "A value belongs here." };
    }
    expected = "comma or end";
  }
}

/** Where the text that begins at `start` ends, or what is wrong within it. */
function skipString(text: string, start: number): number | { at: number; what: string } {
  for (let at = start + 1; at < text.length; at++) {
    const one = text[at] ?? "";
    if (one === '"') return at + 1;
    if (one === "\n") return { at: start, what: "This text has no closing quote." };
    if (one < " ") return { at, what: "A text cannot hold a control character; write it as “\\u…”." };
    if (one !== "\\") continue;
    ESCAPE.lastIndex = at;
    const escape = ESCAPE.exec(text);
    if (!escape) return { at, what: "There is no such escape." };
    at += escape[0].length - 1;
  }
  return { at: start, what: "This text has no closing quote." };
}
