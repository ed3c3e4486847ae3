/** Displays untrusted bytes safely: as text with invisible characters escaped, or as a hex dump. */

/** Maximum number of characters shown for a text. */
export const MAX_TEXT_LENGTH = 64_000;
/** Maximum number of bytes shown in a hex dump. */
const MAX_DUMP_BYTES = 4_096;
const BYTES_PER_LINE = 8;

/** Control and formatting characters, which are invisible or reorder the text around them. */
const INVISIBLE = /[\p{Cc}\p{Cf}]/gu;

/** Truncates a text and escapes its invisible characters, except newlines and tabs. */
export function visible(text: string): string {
  return text.slice(0, MAX_TEXT_LENGTH).replace(INVISIBLE, (char) => {
    if (char === "\n" || char === "\t") return char;
    return `⟨U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

export interface Dump {
  /** Each line contains the offset, the bytes and their printable ASCII characters. */
  readonly lines: readonly string[];
  /** Number of bytes shown. */
  readonly shown: number;
}

/** Formats the first bytes of base64 data as a hex dump. */
export function dump(base64: string): Dump {
  // Four base64 characters encode three bytes. Decode only the bytes that are shown.
  const text = atob(base64.slice(0, Math.ceil(MAX_DUMP_BYTES / 3) * 4)).slice(0, MAX_DUMP_BYTES);
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += BYTES_PER_LINE) {
    const chars = text.slice(at, at + BYTES_PER_LINE).split("");
    const bytes = chars.map((char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
    const ascii = chars.map((char) => (char >= " " && char <= "~" ? char : ".")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${bytes.padEnd(BYTES_PER_LINE * 3 - 1)}  ${ascii}`);
  }
  return { lines, shown: text.length };
}
