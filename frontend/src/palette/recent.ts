/** What the user chose in the palette last, stored in this browser until the user signs out. */

import { read, write } from "../preferences";

export interface RecentEntry {
  readonly title: string;
  readonly hint: string;
  /** The path that the entry opens. */
  readonly to: string;
}

const NAME = "recent";
const MAX_ENTRIES = 8;

export function recentEntries(): readonly RecentEntry[] {
  try {
    const stored: unknown = JSON.parse(read(NAME) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isEntry).slice(0, MAX_ENTRIES) : [];
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is RecentEntry {
  const entry = value as Partial<Record<string, unknown>> | null;
  return (
    ["title", "hint", "to"].every((name) => typeof entry?.[name] === "string") && `${entry?.["to"]}`.startsWith("/")
  );
}

export function remember(entry: RecentEntry): void {
  const others = recentEntries().filter(({ to }) => to !== entry.to);
  write(NAME, JSON.stringify([entry, ...others].slice(0, MAX_ENTRIES)));
}

export function forgetRecent(): void {
  write(NAME, "[]");
}
