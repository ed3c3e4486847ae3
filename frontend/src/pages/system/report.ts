/** The doctor's report in words: what each check is about, and how it went. */

import type { CheckState, Finding, Report } from "../../api/types";
import type { IconName } from "../../components/AppIcon.vue";
import type { Tone } from "../../components/tones";
import { counted, inWords } from "../../words";

interface Check {
  readonly title: string;
  /** What it is about. */
  readonly about: string;
  /** The page that shows more. */
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

/** What a check is about; one that is not known is called by its own name. */
export function checkOf(name: string): Check {
  const known = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
  return known ?? { title: inWords(name), about: "" };
}

interface Look {
  readonly word: string;
  readonly icon: IconName;
  readonly tone: Tone;
}

export const LOOKS: Readonly<Record<CheckState, Look>> = {
  ok: { word: "In order", icon: "dot", tone: "ok" },
  warn: { word: "Attention", icon: "half", tone: "warn" },
  fail: { word: "Fails", icon: "cross", tone: "bad" },
};

const WORST_FIRST: readonly CheckState[] = ["fail", "warn", "ok"];

/** The worst first; those alike in the server's order, which is that in which a delivery meets them. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state));
}

/** The report in a sentence. */
export function summary(report: Report): string {
  const found = (state: CheckState): number => report.findings.filter((finding) => finding.state === state).length;
  const [failing, odd] = [found("fail"), found("warn")];
  const fails = failing > 0 ? `${counted(failing, "check fails", "checks fail")}` : "";
  const looks = odd > 0 ? `${counted(odd, "thing")} to look at` : "";
  if (!fails && !looks) return `All ${report.findings.length} checks are in order.`;
  return `${[fails, looks].filter(Boolean).join(", ")}.`;
}

/** True while nothing has ever come from Mandrill: the one thing that the doctor warns of under this name. */
export function isUnheard(report: Report): boolean {
  return report.findings.some(({ check, state }) => check === "last_event" && state === "warn");
}
