/** Describes the doctor's report: the checks and their states. */

import type { CheckState, Finding, Report } from "../../api/types";
import type { IconName } from "../../components/AppIcon.vue";
import type { Tone } from "../../components/tones";
import { counted, inWords } from "../../words";
import { texts } from "./texts";

interface Check {
  readonly title: string;
  readonly about: string;
  /** A page with more details. */
  readonly page?: { readonly to: string; readonly name: string };
}

const CHECKS: Readonly<Record<string, Check>> = {
  keys: { title: texts.webhookKeys, about: texts.whatMandrillSignsDeliveries },
  urls: { title: texts.webhookAddresses, about: texts.whatMandrillSignsFor },
  bounds: { title: texts.sizeOfDeliveries, about: texts.aFullBatchOf },
  redis: { title: texts.redis, about: texts.carriesWhatIsShown },
  database: { title: texts.postgres, about: texts.keepsEveryEventWithout },
  clock: { title: texts.clocks, about: texts.eventsAreStampedWith },
  schema: { title: texts.schema, about: texts.theTablesThatThis },
  partitions: { title: texts.partitions, about: texts.eachPartitionSEvents },
  audit: { title: texts.audit, about: texts.whetherAllEntries },
  relay: { title: texts.relay, about: texts.whatIsStoredAnd },
  quarantine: {
    title: texts.quarantine,
    about: texts.whatMandrillHasSigned,
    page: { to: "/quarantine", name: texts.openTheQuarantine },
  },
  last_event: { title: texts.lastDelivery, about: texts.whenMandrillWasLast },
  refusals: {
    title: texts.refusals,
    about: texts.deliveriesOfTheLast,
    page: { to: "/refusals", name: texts.seeTheRefusals },
  },
};

/** The description of a check. An unknown check is titled with its own name. */
export function checkOf(name: string): Check {
  const known = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
  return known ?? { title: inWords(name), about: "" };
}

interface StateStyle {
  readonly label: string;
  readonly icon: IconName;
  readonly tone: Tone;
}

export const STATES: Readonly<Record<CheckState, StateStyle>> = {
  ok: { label: texts.inOrder, icon: "dot", tone: "ok" },
  warn: { label: texts.lookAt, icon: "half", tone: "warn" },
  fail: { label: texts.fails, icon: "cross", tone: "bad" },
};

const WORST_FIRST: readonly CheckState[] = ["fail", "warn", "ok"];

/** Orders findings by severity. Findings of equal severity keep the server's order, which follows the path of a delivery. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state));
}

/** Summarizes the report in one sentence. */
export function summarize(report: Report): string {
  const count = (state: CheckState): number => report.findings.filter((finding) => finding.state === state).length;
  const [failing, warning] = [count("fail"), count("warn")];
  const fails = failing > 0 ? `${counted(failing, "check fails", "checks fail")}` : "";
  const warnings = warning > 0 ? texts.toLookAt(counted(warning, "thing")) : "";
  if (!fails && !warnings) return texts.allChecksAreIn(report.findings.length);
  return `${[fails, warnings].filter(Boolean).join(", ")}.`;
}

/** Whether Mandrill has never delivered anything: the only case in which `last_event` returns a warning. */
export function hasNeverReceived(report: Report): boolean {
  return report.findings.some(({ check, state }) => check === "last_event" && state === "warn");
}
