/** Restrictions: the part of all events that a user or token may see. */

import type { Restriction } from "../api/access";
import { texts } from "./texts";

export const PARTS = ["subaccounts", "tags", "domains"] as const;

/** The values of a text with one value per line. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function listed(values: readonly string[]): string {
  const [last, ...others] = values.toReversed();
  return others.length > 0 ? `${others.toReversed().join(", ")} ${texts.or} ${last}` : `${last}`;
}

/** A restriction in words, such as `subaccount eu or tag vip`. */
export function describe(restriction: Restriction): string {
  const values = PARTS.flatMap((part) => (restriction[part] ?? []).map((value) => `${texts.one[part]} ${value}`));
  return values.length > 0 ? listed(values) : texts.nothing;
}
