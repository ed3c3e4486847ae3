/** The statistics of a period in one or two sentences. */

import type { Statistics } from "../../api/stats";
import { counted } from "../../words";
import { explainReason, reasonLabel } from "../events/verdict";
import {
  compareRates,
  formatCount,
  formatPercent,
  type Rate,
  ratesOf,
  tellsOfDeliveries,
  total,
  valueOf,
} from "./rates";
import { texts } from "./texts";

/** Mailbox providers begin to treat mail as spam at this share of complaints. */
const MAX_COMPLAINTS = 0.001;
/** Fewer bounces are nobody's concern. */
const MIN_BOUNCES = 5;
/** Changes below this many percentage points are noise. */
const MIN_CHANGE = 0.005;

export interface Headline {
  readonly text: string;
  /** What deserves attention; null if nothing does. */
  readonly warning: string | null;
}

export function headlineOf(stats: Statistics): Headline {
  const sent = total(stats.counts, "send");
  if (sent === 0) return { text: texts.noMailWasSent, warning: null };
  const hasDelivered = tellsOfDeliveries(stats);
  const [, bounce, complaint, open] = ratesOf(stats, hasDelivered);
  const before = ratesOf(stats.previous, hasDelivered);
  const bounced = total(stats.counts, "hard_bounce", "soft_bounce");
  const rejected = total(stats.counts, "reject");
  const parts = [
    texts.sentCount(counted(sent, "message")),
    // Deliveries are known of a part of the time only.
    ...(hasDelivered && !stats.delivery.is_part
      ? [texts.deliveredCount(formatCount(total(stats.counts, "delivered")))]
      : []),
    texts.bouncedCount(bounced === 0 ? texts.none : formatCount(bounced)),
    ...(rejected === 0 ? [] : [texts.rejectedCount(formatCount(rejected))]),
  ];
  // Deliveries and bounces can be of mail that was sent before, so that they are no parts of what was sent.
  const opened = open?.part == null ? "" : texts.peopleOpened(formatCount(open.part));
  const text = `${parts.join(", ")}${opened}.`;
  return { text, warning: warningOf(stats, bounce, before[1], complaint) };
}

function warningOf(
  stats: Statistics,
  bounce: Rate | undefined,
  bouncedBefore: Rate | undefined,
  complaint: Rate | undefined,
): string | null {
  const complaints = complaint ? valueOf(complaint) : null;
  if (complaints !== null && complaints >= MAX_COMPLAINTS)
    return texts.ofWhatWasSent(
      counted(complaint?.part ?? 0, "spam complaint"),
      formatPercent(complaints),
      formatPercent(MAX_COMPLAINTS),
    );
  if (!bounce || !bouncedBefore || (bounce.part ?? 0) < MIN_BOUNCES) return null;
  const [now, was] = [valueOf(bounce), valueOf(bouncedBefore)];
  if (now === null || was === null || now - was < MIN_CHANGE) return null;
  const bounces = ({ counts }: Statistics["reasons"][number]): number => total(counts, "hard_bounce", "soft_bounce");
  const [reason] = stats.reasons.filter((one) => bounces(one) > 0).toSorted((a, b) => bounces(b) - bounces(a));
  const why = reason ? texts.mostOften(reasonLabel(reason.name), explainReason(reason.name)) : "";
  return texts.bouncesAreUpBy(compareRates(bounce, bouncedBefore).text.slice(1), why);
}
