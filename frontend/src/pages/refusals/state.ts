/** The refusals in one sentence, and the next thing to do. */

import type { PartState } from "../../components/partState";
import { ago, clock } from "../../times/format";
import { counted } from "../../words";
import { concernsMandrill, type Group } from "./group";
import { reasonOf } from "./reasons";

/** `groups` are those of `groupRefusals`. */
export function stateOf(groups: readonly Group[]): PartState {
  const all = groups.reduce((sum, { count }) => sum + count, 0);
  if (all === 0) return { tone: "ok", icon: "dot", text: "No delivery was refused.", next: "" };
  const [first] = groups.filter(concernsMandrill);
  if (first === undefined)
    return {
      tone: "quiet",
      icon: "ring",
      text: `${counted(all, "delivery was", "deliveries were")} refused, and none looks like one from Mandrill.`,
      next: "Nothing has to be done.",
    };
  const concerning = groups.filter(concernsMandrill).reduce((sum, { proven, likely }) => sum + proven + likely, 0);
  return {
    tone: "bad",
    icon: "cross",
    text: `${counted(concerning, "refused delivery seems", "refused deliveries seem")} to come from Mandrill, the last ${ago(Date.parse(first.last), clock.value)} ago.`,
    next: `${reasonOf(first.reason).meaning} ${reasonOf(first.reason).advice}`,
  };
}
