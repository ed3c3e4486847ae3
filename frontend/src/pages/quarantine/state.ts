import type { QuarantineGroup } from "../../api/types";
import type { PartState } from "../../components/partState";
import { counted } from "../../words";
import { reasonOf } from "./reasons";

/** The state of the quarantine in one sentence, and the next thing to do. */
export function stateOf(groups: readonly QuarantineGroup[]): PartState {
  const open = groups.reduce((sum, { count }) => sum + count, 0);
  const [most] = groups.toSorted((a, b) => b.count - a.count);
  if (most === undefined || open === 0)
    return { tone: "ok", icon: "dot", text: "Nothing waits: everything that came could be stored.", next: "" };
  const { label, meaning, advice } = reasonOf(most.reason);
  const share = most.count === open ? "" : `${counted(most.count, "item")} of them: `;
  return {
    tone: "bad",
    icon: "cross",
    text: `${counted(open, "item waits", "items wait")} to be stored.`,
    next: `${share}${label}. ${meaning} ${advice}`,
  };
}
