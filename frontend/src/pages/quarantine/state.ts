import type { QuarantineGroup } from "../../api/types";
import type { PartState } from "../../components/partState";
import { counted } from "../../words";
import { reasonOf } from "./reasons";
import { texts } from "./texts";

/** The state of the quarantine in one sentence, and the next thing to do. */
export function stateOf(groups: readonly QuarantineGroup[]): PartState {
  const open = groups.reduce((sum, { count }) => sum + count, 0);
  const [most] = groups.toSorted((a, b) => b.count - a.count);
  if (most === undefined || open === 0)
    return { tone: "ok", icon: "dot", text: texts.nothingWaitsEverythingThat, next: "" };
  const { label, meaning, advice } = reasonOf(most.reason);
  const share = most.count === open ? "" : texts.ofThem(counted(most.count, "item"));
  return {
    tone: "bad",
    icon: "cross",
    text: texts.toBeStored(counted(open, "item waits", "items wait")),
    next: `${share}${label}. ${meaning} ${advice}`,
  };
}
