/** Why something is in quarantine, what it is, and what became of it, in words. */

import type { Outcome, QuarantineItem } from "../../api/types";
import type { Tone } from "../../components/tones";
import { counted, inWords } from "../../words";

interface Reason {
  readonly word: string;
  readonly means: string;
  readonly advice: string;
}

const UNREADABLE = "Discard it, or retry it after an update that can read it.";

const REASONS: Readonly<Record<string, Reason>> = {
  not_an_object: { word: "Not an object", means: "An element of a batch is no JSON object.", advice: UNREADABLE },
  no_kind: {
    word: "No kind",
    means: "An element has neither `event` nor `type`, so nobody knows what has happened.",
    advice: UNREADABLE,
  },
  not_utf8: { word: "Not UTF-8", means: "A whole delivery is no text in UTF-8.", advice: UNREADABLE },
  not_an_array: { word: "Not an array", means: "A whole delivery is no JSON array.", advice: UNREADABLE },
  too_many_elements: {
    word: "Too many elements",
    means: "A whole delivery has more elements than are taken at once.",
    advice: UNREADABLE,
  },
  refused_by_postgres: {
    word: "Refused by Postgres",
    means: "The event was read, and Postgres would not store it.",
    advice: "Repair what the detail names, then retry: the event is stored as if it had just come.",
  },
  not_relayed: {
    word: "Not relayed",
    means: "The event is stored, and Redis would not take the announcement for the live view.",
    advice: "Retry once Redis takes it, or discard it: the event is in the list all the same.",
  },
};

/** What a reason means; one that is not known is called by its own name. */
export function reasonOf(code: string): Reason {
  const known = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  return known ?? { word: inWords(code), means: "It could not be stored.", advice: UNREADABLE };
}

export const ORIGINS: Readonly<Record<QuarantineItem["origin"], string>> = {
  element: "One element of a batch",
  delivery: "A whole delivery",
  outbox: "An announcement for the live view",
};

interface Look {
  readonly word: string;
  readonly tone: Tone;
}

export const OUTCOMES: Readonly<Record<Outcome["outcome"], Look>> = {
  failed: { word: "Still refused", tone: "bad" },
  readable: { word: "Can be read", tone: "ok" },
  stored: { word: "Stored", tone: "ok" },
  duplicate: { word: "Already stored", tone: "quiet" },
  relayed: { word: "Relayed", tone: "ok" },
};

/** How many came out in which way, of those that were tried; what is missing was no longer open. */
export function tally(outcomes: readonly Outcome[], tried: number): string {
  const found = (name: string): number => outcomes.filter(({ outcome }) => outcome === name).length;
  const gone = tried - outcomes.length;
  const said: readonly (readonly [number, string])[] = [
    [found("stored"), "stored"],
    [found("duplicate"), "already stored"],
    [found("relayed"), "relayed"],
    [found("failed"), "still refused"],
    [gone, "no longer open"],
  ];
  const there = said.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
  return there.length > 0 ? `${there.join(", ")}.` : `${counted(tried, "item")} tried.`;
}
