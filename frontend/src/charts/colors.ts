/** The colours and the font of the page for drawing on a canvas, which does not know custom properties. */

import type { Tone } from "../components/tones";

export type ChartColors = Readonly<Record<Tone | "line" | "ink" | "font", string>> & {
  /** The colour of the area below a line. */
  readonly fill: (tone: Tone) => string;
};

/** Reads the colours as they are at an element, in the current theme. */
export function colorsOf(element: HTMLElement): ChartColors {
  const probe = element.appendChild(document.createElement("span"));
  const resolve = (color: string): string => {
    probe.style.color = color;
    return getComputedStyle(probe).color;
  };
  const token = (name: string): string => resolve(`var(--${name})`);
  const colors = {
    ok: token("ok"),
    engaged: token("engaged"),
    warn: token("warn"),
    bad: token("bad"),
    quiet: token("quiet"),
    line: token("line"),
    ink: token("ink-3"),
    font: `12px ${getComputedStyle(element).fontFamily}`,
  };
  const fills = new Map<Tone, string>();
  for (const tone of ["ok", "engaged", "warn", "bad", "quiet"] as const)
    fills.set(tone, resolve(`color-mix(in srgb, var(--${tone}), transparent 88%)`));
  probe.remove();
  return { ...colors, fill: (tone) => fills.get(tone) ?? colors[tone] };
}
