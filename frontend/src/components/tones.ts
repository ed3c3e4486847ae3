/** What colours mean. A word, and mostly an icon, says the same. */

export type Tone = "ok" | "engaged" | "warn" | "bad" | "quiet";

/** The class of each. */
export const TONES: Readonly<Record<Tone, string>> = {
  ok: "text-ok",
  engaged: "text-engaged",
  warn: "text-warn",
  bad: "text-bad",
  quiet: "text-quiet",
};

/** The class of each in charts. */
export const FILLS: Readonly<Record<Tone, string>> = {
  ok: "fill-ok",
  engaged: "fill-engaged",
  warn: "fill-warn",
  bad: "fill-bad",
  quiet: "fill-quiet",
};
