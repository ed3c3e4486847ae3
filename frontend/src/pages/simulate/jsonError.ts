/**
 * Locates the first syntax error in a JSON text. Browsers word these errors differently, and some omit the position, so the text
 * is scanned here after `JSON.parse` has rejected it.
 */

export interface JsonError {
  /** In UTF-16 code units, from the start of the text. */
  readonly offset: number;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  readonly message: string;
  /** The part of the line around the error. */
  readonly excerpt: string;
  /** Index of the error within `excerpt`. */
  readonly caret: number;
}

type ErrorAt = Pick<JsonError, "offset" | "message">;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
/** Characters of the line shown on each side of the error. */
const CONTEXT = 40;

type Expected = "value" | "value or ]" | "name" | "name or }" | "colon" | "comma or end";

/** Returns the first syntax error, or null if the text is valid JSON. */
export function findJsonError(text: string): JsonError | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const found = scan(text) ?? { offset: 0, message: (error as Error).message };
    return { ...found, ...locate(text, found.offset) };
  }
}

function locate(text: string, offset: number): Omit<JsonError, keyof ErrorAt> {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const lineEnd = text.indexOf("\n", offset);
  const end = lineEnd < 0 ? text.length : lineEnd;
  const from = Math.max(start, offset - CONTEXT);
  return {
    line: text.slice(0, start).split("\n").length,
    column: offset - start + 1,
    excerpt: text.slice(from, Math.min(end, offset + CONTEXT)).replaceAll("\t", " "),
    caret: offset - from,
  };
}

/** Parses iteratively with an explicit stack, so that deep nesting cannot overflow the call stack. */
function scan(text: string): ErrorAt | null {
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
      if (inside !== undefined) return { offset: at, message: `Unclosed “${inside}” at the end of the text.` };
      return { offset: at, message: "The text is empty." };
    }
    if (expected === "comma or end") {
      if (inside === undefined) return { offset: at, message: "Unexpected text after the end." };
      if (closes(inside === "[" ? "]" : "}")) continue;
      if (next !== ",")
        return { offset: at, message: `Expected a comma or “${inside === "[" ? "]" : "}"}” before this.` };
      at += 1;
      expected = inside === "[" ? "value" : "name";
      continue;
    }
    if (expected === "colon") {
      if (next !== ":") return { offset: at, message: "Expected a colon after the name." };
      at += 1;
      expected = "value";
      continue;
    }
    if (expected === "value or ]" && closes("]")) continue;
    if (expected === "name or }" && closes("}")) continue;
    if (next === '"') {
      const end = skipString(text, at);
      if (typeof end !== "number") return end;
      at = end;
      expected = expected.startsWith("name") ? "colon" : "comma or end";
      continue;
    }
    if (expected.startsWith("name")) {
      return {
        offset: at,
        message: next === "}" ? "Trailing comma before this." : "Expected a name in double quotes.",
      };
    }
    if (next === "[" || next === "{") {
      open.push(next);
      at += 1;
      expected = next === "[" ? "value or ]" : "name or }";
      continue;
    }
    if (!skip(WORD) && !skip(NUMBER)) {
      if (next === "]" || next === "}") return { offset: at, message: "Expected a value before this." };
      return { offset: at, message: next === "'" ? "Strings use double quotes." : "Expected a value." };
    }
    expected = "comma or end";
  }
}

/** Returns the offset after the string that begins at `start`, or the error within it. */
function skipString(text: string, start: number): number | ErrorAt {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at] ?? "";
    if (char === '"') return at + 1;
    if (char === "\n") return { offset: start, message: "This string has no closing quote." };
    if (char < " ") return { offset: at, message: "A string cannot contain a control character. Escape it as “\\u…”." };
    if (char !== "\\") continue;
    ESCAPE.lastIndex = at;
    const escape = ESCAPE.exec(text);
    if (!escape) return { offset: at, message: "Unknown escape sequence." };
    at += escape[0].length - 1;
  }
  return { offset: start, message: "This string has no closing quote." };
}
