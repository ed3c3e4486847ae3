import { expect, test } from "vitest";
import type { CheckState, Finding, Report } from "../../api/types";
import { checkOf, hasNeverReceived, summarize, worstFirst } from "./report";

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

test("failures come first and equal states keep their order", () => {
  const found = [
    finding("a", "ok"),
    finding("b", "warn"),
    finding("c", "ok"),
    finding("d", "fail"),
    finding("e", "warn"),
  ];
  expect(worstFirst(found).map(({ check }) => check)).toEqual(["d", "b", "e", "a", "c"]);
});

test("a report is summarized in one sentence", () => {
  const [ok, warn, fail] = [finding("a", "ok"), finding("b", "warn"), finding("c", "fail")];
  expect(summarize(report(ok, ok))).toBe("All 2 checks are in order.");
  expect(summarize(report(ok, warn))).toBe("1 thing to look at.");
  expect(summarize(report(fail, warn, warn))).toBe("1 check fails, 2 things to look at.");
  expect(summarize(report(fail, fail))).toBe("2 checks fail.");
});

test("unknown checks are titled with their own name", () => {
  expect(checkOf("keys").title).toBe("Webhook keys");
  expect(checkOf("disk_space").title).toBe("Disk space");
  expect(checkOf("constructor").title).toBe("Constructor");
});

test("only a warning of last_event means that nothing was ever received", () => {
  expect(hasNeverReceived(report(finding("last_event", "warn")))).toBe(true);
  expect(hasNeverReceived(report(finding("last_event", "fail")))).toBe(false);
  expect(hasNeverReceived(report(finding("keys", "warn")))).toBe(false);
});
