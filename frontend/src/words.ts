/** Codes, counts, sizes and the server's own words, as people read them. */

const number = new Intl.NumberFormat(undefined);
const UNITS = ["B", "kB", "MB"];

/** `not_an_object` as `Not an object`: what is left where a code has no better name. */
export function inWords(code: string): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `1 item`, `1,200 items`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number.format(count)} ${count === 1 ? one : many}`;
}

/** A count where there is room for little: `7`, `99+`. */
export function upTo99(count: number): string {
  return count > 99 ? "99+" : `${count}`;
}

/** `312 B`, `1.5 kB`, `12 MB`. */
export function sizeInWords(bytes: number): string {
  let [size, unit] = [bytes, 0];
  for (; size >= 1000 && unit < UNITS.length - 1; unit++) size /= 1000;
  return `${unit > 0 && size < 10 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** A remark such as `the schema is missing` as a sentence. What begins or ends with an address or a name stays as it is. */
export function sentence(text: string): string {
  const begun = /^[a-z]+(?=[\s,:;]|$)(?!:\/\/)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /(^|\s)[\w`’).-]*[\w`’)]$/.test(begun) ? `${begun}.` : begun;
}

export interface Part {
  readonly text: string;
  readonly code: boolean;
}

/** What has to be copied exactly wherever it stands: addresses, without what ends the sentence, and names of settings. */
const EXACT = /(https?:\/\/[^\s,;]*[^\s,;:.)]|\b[A-Z]+(?:_[A-Z]+)+\b)/;

/** A text taken apart where it names something, in backticks or by what it is. */
export function parts(text: string): Part[] {
  const pieces = text.split("`");
  // Without its partner, a backtick is one.
  if (pieces.length % 2 === 0) return named(text);
  return pieces.flatMap((piece, at) => (at % 2 === 1 ? [{ text: piece, code: true }] : named(piece)));
}

function named(text: string): Part[] {
  return text
    .split(EXACT)
    .map((piece, at) => ({ text: piece, code: at % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}
