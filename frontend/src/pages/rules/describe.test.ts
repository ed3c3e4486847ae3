import { expect, test } from "vitest";
import { describeRule } from "./describe";

const rule = (kinds: string[], tag: string | null = null, recipient: string | null = null) => ({
  kinds,
  tag,
  recipient,
});

test("the description of a rule includes every condition", () => {
  expect(describeRule(rule(["open"]))).toBe("Opens");
  expect(describeRule(rule(["hard_bounce", "spam"], "welcome"))).toBe(
    "Hard bounces and spam complaints tagged “welcome”",
  );
  expect(describeRule(rule(["click", "sms_failed", "sms_unsub"], null, "ann@example.com"))).toBe(
    "Clicks, failed SMS, and SMS unsubscriptions to ann@example.com",
  );
  expect(describeRule(rule(["send"], "a", "b@example.com"))).toBe("Sent mails tagged “a” to b@example.com");
});

test("unknown kinds are described by their own name", () => {
  expect(describeRule(rule(["constructor", "brand_new"]))).toBe("Constructor and brand new");
});
