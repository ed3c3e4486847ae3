/** Describes the doctor's report: the checks and their states. */

import type { CheckState, Finding, Report } from "../../api/types";
import type { IconName } from "../../components/AppIcon.vue";
import type { Tone } from "../../components/tones";
import { counted, inWords } from "../../words";

interface Check {
  readonly title: string;
  readonly about: string;
  /** A page with more details. */
  readonly page?: { readonly to: string; readonly name: string };
}

const CHECKS: Readonly<Record<string, Check>> = {
  keys: { title: "Webhook keys", about: "What Mandrill signs deliveries with." },
  urls: { title: "Webhook addresses", about: "What Mandrill signs for, exactly as typed there." },
  bounds: { title: "Size of deliveries", about: "A full batch of Mandrill's has to fit." },
  redis: { title: "Redis", about: "Carries what is shown live. Without it, events are still stored." },
  database: { title: "Postgres", about: "Keeps every event. Without it, deliveries are told to come back." },
  clock: { title: "Clocks", about: "Events are stamped with the time of Postgres." },
  schema: { title: "Schema", about: "The tables that this version needs." },
  partitions: { title: "Months", about: "Each month's events have a table, made ahead." },
  relay: { title: "Relay", about: "What is stored and not yet shown live." },
  quarantine: {
    title: "Quarantine",
    about: "What Mandrill has signed and could not be stored.",
    page: { to: "/quarantine", name: "Open the quarantine" },
  },
  last_event: { title: "Last delivery", about: "When Mandrill was last heard of." },
  refusals: {
    title: "Refusals",
    about: "Deliveries of the last day that were not accepted.",
    page: { to: "/refusals", name: "See the refusals" },
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
  ok: { label: "In order", icon: "dot", tone: "ok" },
  warn: { label: "Look at", icon: "half", tone: "warn" },
  fail: { label: "Fails", icon: "cross", tone: "bad" },
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
  const warnings = warning > 0 ? `${counted(warning, "thing")} to look at` : "";
  if (!fails && !warnings) return `All ${report.findings.length} checks are in order.`;
  return `${[fails, warnings].filter(Boolean).join(", ")}.`;
}

/** Whether Mandrill has never delivered anything: the only case in which `last_event` returns a warning. */
export function hasNeverReceived(report: Report): boolean {
  return report.findings.some(({ check, state }) => check === "last_event" && state === "warn");
}
