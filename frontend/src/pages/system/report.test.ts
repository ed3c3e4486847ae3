import { expect, test } from "vitest";
import type { CheckState, Finding, Report } from "../../api/types";
import { checkOf, isUnheard, summary, worstFirst } from "./report";

function finding(check: string, state: CheckState, what = ""): Finding {
  return { check, state, what, advice: null };
}

function report(...findings: Finding[]): Report {
  return {
    state: "ok",
    checked_at: "2026-11-25T12:00:00Z",
    version: "0.1.0",
    findings,
    webhook_urls: [],
    received_any: true,
  };
}

test("what is wrong comes first, and the rest keeps its order", () => {
  const found = [
    finding("a", "ok"),
    finding("b", "warn"),
    finding("c", "ok"),
    finding("d", "fail"),
    finding("e", "warn"),
  ];
  expect(worstFirst(found).map(({ check }) => check)).toEqual(["d", "b", "e", "a", "c"]);
});

test("a report is told in a sentence", () => {
  const [ok, warn, fail] = [finding("a", "ok"), finding("b", "warn"), finding("c", "fail")];
  expect(summary(report(ok, ok))).toBe("All 2 checks are in order.");
  expect(summary(report(ok, warn))).toBe("1 thing to look at.");
  expect(summary(report(fail, warn, warn))).toBe("1 check fails, 2 things to look at.");
  expect(summary(report(fail, fail))).toBe("2 checks fail.");
});

test("a check that nobody has heard of has its own name", () => {
  expect(checkOf("keys").title).toBe("Webhook keys");
  expect(checkOf("disk_space").title).toBe("Disk space");
  expect(checkOf("constructor").title).toBe("Constructor");
});

test("whether anything has ever come is the doctor's to say", () => {
  expect(isUnheard(report(finding("last_event", "warn")))).toBe(true);
  expect(isUnheard(report(finding("last_event", "fail")))).toBe(false);
  expect(isUnheard(report(finding("keys", "warn")))).toBe(false);
});
