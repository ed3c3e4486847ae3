import { expect, test } from "vitest";
import { ruleInWords } from "./words";

const rule = (kinds: string[], tag: string | null = null, recipient: string | null = null) => ({
  kinds,
  tag,
  recipient,
});

test("a rule reads as a sentence's part, with every condition in it", () => {
  expect(ruleInWords(rule(["open"]))).toBe("Opens");
  expect(ruleInWords(rule(["hard_bounce", "spam"], "welcome"))).toBe(
    "Hard bounces and spam complaints tagged “welcome”",
  );
  expect(ruleInWords(rule(["click", "sms_failed", "sms_unsub"], null, "ann@example.com"))).toBe(
    "Clicks, failed SMS, and SMS unsubscriptions to ann@example.com",
  );
  expect(ruleInWords(rule(["send"], "a", "b@example.com"))).toBe("Sent mails tagged “a” to b@example.com");
});

test("a kind that has no name here is told by its own", () => {
  expect(ruleInWords(rule(["constructor", "brand_new"]))).toBe("Constructor and brand new");
});
