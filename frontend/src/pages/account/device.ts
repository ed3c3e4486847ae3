/** Detects the browser and operating system from a user agent. */

type Patterns = readonly (readonly [RegExp, string])[];

/** Ordered from most to least specific: most browsers also claim to be Chrome and Safari. */
const BROWSERS: Patterns = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/HeadlessChrome\/|Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: Patterns = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** Returns `Firefox on Windows`. An unknown browser is identified by the first word of its user agent. */
export function deviceOf(agent: string | null): string {
  if (!agent) return "Unknown";
  const find = (patterns: Patterns): string | undefined => patterns.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = find(BROWSERS) ?? agent.split(/[\s/]/, 1)[0] ?? "";
  const system = find(SYSTEMS);
  return system === undefined ? browser : `${browser} on ${system}`;
}
