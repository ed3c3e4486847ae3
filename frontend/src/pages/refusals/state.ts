/** The refusals in one sentence, and the next thing to do. */

import type { PartState } from "../../components/partState";
import { ago, clock } from "../../times/format";
import { counted } from "../../words";
import { concernsMandrill, type Group } from "./group";
import { reasonOf } from "./reasons";
import { texts } from "./texts";

/** `groups` are those of `groupRefusals`. */
export function stateOf(groups: readonly Group[]): PartState {
  const all = groups.reduce((sum, { count }) => sum + count, 0);
  if (all === 0) return { tone: "ok", icon: "dot", text: texts.noDeliveryWasRefused, next: "" };
  const [first] = groups.filter(concernsMandrill);
  if (first === undefined)
    return {
      tone: "quiet",
      icon: "ring",
      text: texts.refusedAndNoneLooks(counted(all, "delivery was", "deliveries were")),
      next: texts.nothingHasToBe,
    };
  const concerning = groups.filter(concernsMandrill).reduce((sum, { proven, likely }) => sum + proven + likely, 0);
  return {
    tone: "bad",
    icon: "cross",
    text: texts.toComeFromMandrill(
      counted(concerning, "refused delivery seems", "refused deliveries seem"),
      ago(Date.parse(first.last), clock.value),
    ),
    next: reasonOf(first.reason).advice,
  };
}
