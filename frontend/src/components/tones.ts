/** Meaning of the colours. Text, and usually an icon, conveys the same information. */

export type Tone = "ok" | "engaged" | "warn" | "bad" | "quiet";

/** Text colour classes. */
export const TONES: Readonly<Record<Tone, string>> = {
  ok: "text-ok",
  engaged: "text-engaged",
  warn: "text-warn",
  bad: "text-bad",
  quiet: "text-quiet",
};

/** Fill classes for charts. */
export const FILLS: Readonly<Record<Tone, string>> = {
  ok: "fill-ok",
  engaged: "fill-engaged",
  warn: "fill-warn",
  bad: "fill-bad",
  quiet: "fill-quiet",
};
