/** Describes the reasons, origins and outcomes of quarantined items. */

import type { Outcome, QuarantineItem } from "../../api/types";
import type { Tone } from "../../components/tones";
import { counted, inWords } from "../../words";

interface Reason {
  readonly label: string;
  readonly meaning: string;
  readonly advice: string;
}

const UNREADABLE = "Discard it, or retry it after an update that can read it.";

const REASONS: Readonly<Record<string, Reason>> = {
  not_an_object: { label: "Not an object", meaning: "An element of a batch is not a JSON object.", advice: UNREADABLE },
  no_kind: {
    label: "Missing event type",
    meaning: "An element has neither `event` nor `type`, so its kind is unknown.",
    advice: UNREADABLE,
  },
  not_utf8: { label: "Not UTF-8", meaning: "A whole delivery is not valid UTF-8.", advice: UNREADABLE },
  not_an_array: { label: "Not an array", meaning: "A whole delivery is not a JSON array.", advice: UNREADABLE },
  too_many_elements: {
    label: "Too many elements",
    meaning: "A whole delivery has more elements than the limit for a batch.",
    advice: UNREADABLE,
  },
  refused_by_postgres: {
    label: "Refused by Postgres",
    meaning: "The event was parsed, but Postgres rejected it.",
    advice: "Fix the cause named in the detail, then retry. The event is stored as if it had just arrived.",
  },
  not_relayed: {
    label: "Not relayed",
    meaning: "The event is stored, but Redis rejected the message for the live view.",
    advice: "Retry once Redis accepts it, or discard it. The event is in the list in either case.",
  },
};

/** The description of a reason. An unknown reason is labelled with its code. */
export function reasonOf(code: string): Reason {
  const known = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  return known ?? { label: inWords(code), meaning: "It could not be stored.", advice: UNREADABLE };
}

export const ORIGINS: Readonly<Record<QuarantineItem["origin"], string>> = {
  element: "One element of a batch",
  delivery: "A whole delivery",
  outbox: "An announcement for the live view",
};

interface OutcomeStyle {
  readonly label: string;
  readonly tone: Tone;
}

export const OUTCOMES: Readonly<Record<Outcome["outcome"], OutcomeStyle>> = {
  failed: { label: "Still refused", tone: "bad" },
  readable: { label: "Can be read", tone: "ok" },
  stored: { label: "Stored", tone: "ok" },
  duplicate: { label: "Already stored", tone: "quiet" },
  relayed: { label: "Relayed", tone: "ok" },
};

/** Counts the outcomes. Items that were tried but have no outcome were no longer open. */
export function tally(outcomes: readonly Outcome[], tried: number): string {
  const count = (name: string): number => outcomes.filter(({ outcome }) => outcome === name).length;
  const missing = tried - outcomes.length;
  const counts: readonly (readonly [number, string])[] = [
    [count("stored"), "stored"],
    [count("duplicate"), "already stored"],
    [count("relayed"), "relayed"],
    [count("failed"), "still refused"],
    [missing, "no longer open"],
  ];
  const parts = counts.filter(([n]) => n > 0).map(([n, words]) => `${n} ${words}`);
  return parts.length > 0 ? `${parts.join(", ")}.` : `${counted(tried, "item")} tried.`;
}
