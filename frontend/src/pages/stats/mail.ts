/** What became of the mail with a name: from the events themselves, or else from the counts that are kept. */

import type { Audience, NamedCounts, NamedMail } from "../../api/stats";
import { total, valueOf } from "./rates";

/** Opened and clicked messages are null if only opens and clicks are counted, of which a message can have several. */
export type Mail = Omit<NamedMail, "opened" | "clicked"> & {
  readonly opened: number | null;
  readonly clicked: number | null;
};

/** The counts are used while `audience` is null, if there is too much to count, and if events of the period are no longer stored. */
export function mailOf(
  facet: "domains" | "tags" | "templates" | "subaccounts",
  stats: Readonly<Record<typeof facet, readonly NamedCounts[]>>,
  audience: Audience | null,
): readonly Mail[] {
  if (audience !== null && !audience.too_many && audience.counted_from === null) return audience[facet];
  return stats[facet].map(({ name, counts }) => ({
    name,
    sent: total(counts, "send"),
    delivered: total(counts, "delivered"),
    bounced: total(counts, "hard_bounce", "soft_bounce"),
    deferred: total(counts, "deferral"),
    complained: total(counts, "spam"),
    opened: null,
    clicked: null,
  }));
}

/** The share of mail that arrived, of all of which that is known; null if nothing is. */
export function arrivedOf({ delivered, bounced }: Mail): number | null {
  return delivered > 0 ? delivered / (delivered + bounced) : null;
}

/** A share of sent mail; null if it is unknown. */
export function shareOf({ sent }: Mail, part: number | null): number | null {
  return valueOf({ part, whole: sent });
}
