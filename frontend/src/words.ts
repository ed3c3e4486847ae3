/** Formats codes, counts, sizes and server messages for display. */

const number = new Intl.NumberFormat(undefined);
const UNITS = ["B", "kB", "MB"];

export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Formats `not_an_object` as `Not an object`, the fallback for codes without a label. */
export function inWords(code: string): string {
  return capitalize(code.replaceAll("_", " "));
}

/** `1 item`, `1,200 items`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${number.format(count)} ${count === 1 ? singular : plural}`;
}

/** Formats a count for a badge: `7`, `99+`. */
export function upTo99(count: number): string {
  return count > 99 ? "99+" : `${count}`;
}

/** `312 B`, `1.5 kB`, `12 MB`. */
export function sizeInWords(bytes: number): string {
  let [size, unit] = [bytes, 0];
  for (; size >= 1000 && unit < UNITS.length - 1; unit++) size /= 1000;
  return `${unit > 0 && size < 10 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** Turns a remark such as `the schema is missing` into a sentence. A URL or name at the start or end stays unchanged. */
export function sentence(text: string): string {
  const capitalized = /^[a-z]+(?=[\s,:;]|$)(?!:\/\/)/.test(text) ? capitalize(text) : text;
  return /(^|\s)[\w`’).-]*[\w`’)]$/.test(capitalized) ? `${capitalized}.` : capitalized;
}

export interface Part {
  readonly text: string;
  readonly code: boolean;
}

/** URLs without trailing punctuation, and setting names. */
const LITERAL = /(https?:\/\/[^\s,;]*[^\s,;:.)]|\b[A-Z]+(?:_[A-Z]+)+\b)/;

/** Splits a string into plain text and code: text in backticks, URLs and setting names. */
export function parts(text: string): Part[] {
  const pieces = text.split("`");
  // An unpaired backtick is literal text.
  if (pieces.length % 2 === 0) return splitLiterals(text);
  return pieces.flatMap((piece, at) => (at % 2 === 1 ? [{ text: piece, code: true }] : splitLiterals(piece)));
}

function splitLiterals(text: string): Part[] {
  return text
    .split(LITERAL)
    .map((piece, at) => ({ text: piece, code: at % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}
