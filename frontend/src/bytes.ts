/** Bytes that nobody could read, made fit to be looked at: as text without tricks, or in hexadecimal. */

/** Longest beginning that is shown: characters of a text, and bytes that are none. */
export const MOST_TEXT = 64_000;
const MOST_BYTES = 4_096;
const LINE = 8;

/** Characters that are not seen, or that change in which order others are. */
const UNSEEN = /[\p{Cc}\p{Cf}]/gu;

/** The beginning of a text, with what is not seen made visible. Line ends and tabs stay. */
export function visible(text: string): string {
  return text.slice(0, MOST_TEXT).replace(UNSEEN, (one) => {
    if (one === "\n" || one === "\t") return one;
    return `⟨U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

export interface Dump {
  /** Offset, bytes, and what of them is ASCII. */
  readonly lines: readonly string[];
  /** How many bytes are shown. */
  readonly shown: number;
}

/** The beginning of bytes, given in base64. */
export function dump(base64: string): Dump {
  // Four letters are three bytes; more than is shown need not be decoded.
  const text = atob(base64.slice(0, Math.ceil(MOST_BYTES / 3) * 4)).slice(0, MOST_BYTES);
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += LINE) {
    const piece = text.slice(at, at + LINE).split("");
    const bytes = piece.map((one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
    const ascii = piece.map((one) => (one >= " " && one <= "~" ? one : ".")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${bytes.padEnd(LINE * 3 - 1)}  ${ascii}`);
  }
  return { lines, shown: text.length };
}
