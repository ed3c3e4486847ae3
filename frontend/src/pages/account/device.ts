/** Which browser on which system, from what it says of itself. */

type Known = readonly (readonly [RegExp, string])[];

/** The more particular first: most call themselves Chrome and Safari too. */
const BROWSERS: Known = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/HeadlessChrome\/|Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: Known = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** `Firefox on Windows`; what is not known is told by its own first word. */
export function deviceOf(agent: string | null): string {
  if (!agent) return "Unknown";
  const find = (known: Known): string | undefined => known.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = find(BROWSERS) ?? agent.split(/[\s/]/, 1)[0] ?? "";
  const system = find(SYSTEMS);
  return system === undefined ? browser : `${browser} on ${system}`;
}
