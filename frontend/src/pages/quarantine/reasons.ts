/** Describes the reasons, origins and outcomes of quarantined items. */

import type { Outcome, QuarantineItem } from "../../api/types";
import type { Tone } from "../../components/tones";
import { counted, inWords } from "../../words";
import { texts } from "./texts";

interface Reason {
  readonly label: string;
  readonly meaning: string;
  readonly advice: string;
}

const UNREADABLE = texts.discardItOrRetry;

const REASONS: Readonly<Record<string, Reason>> = {
  not_an_object: { label: texts.notAnObject, meaning: texts.anElementOfA, advice: UNREADABLE },
  no_kind: {
    label: texts.missingEventType,
    meaning: texts.anElementHasNeither,
    advice: UNREADABLE,
  },
  not_utf8: { label: texts.notUTF8, meaning: texts.aWholeDeliveryIs, advice: UNREADABLE },
  not_an_array: { label: texts.notAnArray, meaning: texts.aWholeDeliveryIs2, advice: UNREADABLE },
  too_many_elements: {
    label: texts.tooManyElements,
    meaning: texts.aWholeDeliveryHas,
    advice: UNREADABLE,
  },
  refused_by_postgres: {
    label: texts.refusedByPostgres,
    meaning: texts.theEventWasParsed,
    advice: texts.fixTheCauseNamed,
  },
  not_relayed: {
    label: texts.notRelayed,
    meaning: texts.theEventIsStored,
    advice: texts.retryOnceRedisAccepts,
  },
};

/** The description of a reason. An unknown reason is labelled with its code. */
export function reasonOf(code: string): Reason {
  const known = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  return known ?? { label: inWords(code), meaning: texts.itCouldNotBe, advice: UNREADABLE };
}

export const ORIGINS: Readonly<Record<QuarantineItem["origin"], string>> = {
  element: texts.oneElementOfA,
  delivery: texts.aWholeDelivery,
  outbox: texts.anAnnouncementForThe,
};

interface OutcomeStyle {
  readonly label: string;
  readonly tone: Tone;
}

export const OUTCOMES: Readonly<Record<Outcome["outcome"], OutcomeStyle>> = {
  failed: { label: texts.stillRefused, tone: "bad" },
  readable: { label: texts.canBeRead, tone: "ok" },
  stored: { label: texts.stored, tone: "ok" },
  duplicate: { label: texts.alreadyStored, tone: "quiet" },
  relayed: { label: texts.relayed, tone: "ok" },
};

/** Counts the outcomes. Items that were tried but have no outcome were no longer open. */
export function tally(outcomes: readonly Outcome[], tried: number): string {
  const count = (name: string): number => outcomes.filter(({ outcome }) => outcome === name).length;
  const missing = tried - outcomes.length;
  const counts: readonly (readonly [number, string])[] = [
    [count("stored"), "stored"],
    [count("duplicate"), texts.alreadyStored2],
    [count("relayed"), "relayed"],
    [count("failed"), texts.stillRefused2],
    [missing, texts.noLongerOpen],
  ];
  const parts = counts.filter(([n]) => n > 0).map(([n, words]) => `${n} ${words}`);
  return parts.length > 0 ? `${parts.join(", ")}.` : `${counted(tried, "item")} tried.`;
}
