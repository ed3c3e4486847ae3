/** What an event's verdict means: why mail was not delivered, and who opened or clicked. */

import type { MailEvent } from "../../api/types";
import { verdicts } from "../../api/verdicts";
import { texts } from "./texts";

type Judged = Pick<MailEvent, "kind" | "reason_class" | "actor" | "actor_reason">;

/** Newer services can send codes that this page does not know. */
function lookUp<T>(table: Readonly<Record<string, T>>, code: string | null | undefined): T | undefined {
  return code && Object.hasOwn(table, code) ? table[code] : undefined;
}

/** A short label for why mail was not delivered; empty for other events. */
export function reasonLabel(code: string | null): string {
  return lookUp(verdicts.reasons, code)?.label ?? code ?? "";
}

/** Why mail was not delivered, what follows, and what to do; empty for other events. */
export function explainFailure(event: Judged): string {
  const reason = lookUp(verdicts.reasons, event.reason_class);
  if (!reason) return "";
  return [reason.explanation, lookUp(verdicts.outcomes, event.kind), reason.advice].filter(Boolean).join(" ");
}

/** The explanation of a reason class, and what to do. */
export function explainReason(code: string): string {
  const reason = lookUp(verdicts.reasons, code);
  if (!reason) return "";
  const { explanation, advice } = reason;
  return texts.whatToDo(explanation, advice.charAt(0).toLowerCase(), advice.slice(1));
}

/** Who opened or clicked, such as `a security scanner`; empty for other events. */
export function actorLabel(code: string | null | undefined): string {
  return lookUp(verdicts.actors, code) ?? code ?? "";
}

/** Whether an open or click was caused by a machine. */
export function isMachine(code: string | null | undefined): boolean {
  return Boolean(code) && code !== "person" && code !== "proxy";
}

/** The evidence for the actor; empty if there is nothing to add. */
export function explainActor(event: Judged): string {
  return event.actor === "person" ? "" : (lookUp(verdicts.actor_reasons, event.actor_reason) ?? "");
}

/** Where it was opened or clicked. A proxy's place is not the reader's. */
export function placeOf(event: Pick<MailEvent, "actor" | "city" | "country">): string {
  const place = [event.city, event.country].filter(Boolean).join(", ");
  return place && event.actor === "proxy" ? texts.theProxySPlace(place) : place;
}
