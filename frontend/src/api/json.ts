/** Parses JSON without losing digits: JavaScript rounds `12345678901234567890` and turns `1.50` into `1.5`. */

import { parse, stringify } from "lossless-json";

/** A number that JavaScript cannot represent digit for digit. */
export class ExactNumber {
  constructor(readonly digits: string) {}

  toString(): string {
    return this.digits;
  }
}

/** Matches texts that can contain such a number. All others are parsed by the browser, which is many times faster. */
const SUSPECT = /[[:,]\s*(?:-?(?:[\d.]{16}|\d+\.\d*0[,\]}\s]|\d+(?:\.\d+)?[eE])|-0[,\]}\s])/;

function parseNumber(digits: string): number | ExactNumber {
  const number = Number(digits);
  return String(number) === digits ? number : new ExactNumber(digits);
}

/**
 * Parses JSON. Numbers that JavaScript would change become an `ExactNumber`.
 *
 * @throws {SyntaxError}
 */
export function parseExactly(text: string): unknown {
  // The library would take the value of this key for the prototype.
  if (!SUSPECT.test(text) || text.includes('"__proto__"')) return JSON.parse(text);
  try {
    return parse(text, undefined, parseNumber);
  } catch {
    // A key that an object has twice; the browser takes the last one.
    return JSON.parse(text);
  }
}

/** The JSON text of a parsed value, with every digit. */
export function stringifyExactly(value: unknown, indent?: number): string {
  const stringifier = {
    test: (one: unknown) => one instanceof ExactNumber,
    stringify: (one: unknown) => (one as ExactNumber).digits,
  };
  return stringify(value, undefined, indent, [stringifier]) ?? "";
}
