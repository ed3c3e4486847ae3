import { expect, test } from "vitest";
import type { MailEvent } from "../../api/types";
import { explainReply } from "./smtp";
import { gapBetween, timelineOf } from "./timeline";

let id = 0;

function event(kind: string, at: string, more: Partial<MailEvent> = {}): MailEvent {
  const messageFields = {
    sender: null,
    subject: null,
    metadata: null,
    template: null,
    subaccount: null,
    url: null,
    ip: null,
  };
  const clientFields = { user_agent: null, country: null, city: null, diagnostic: null, webhook: null };
  return {
    id: ++id,
    kind,
    occurred_at: at,
    received_at: at,
    message_id: "m1",
    recipient: "ada@example.com",
    tags: [],
    simulated: false,
    ...messageFields,
    ...clientFields,
    ...more,
  };
}

test("repeated events are merged and gaps are described in words", () => {
  const steps = timelineOf([
    event("send", "2026-01-01T10:00:00Z"),
    event("deferral", "2026-01-01T10:00:05Z", { diagnostic: "451 4.7.1 Greylisted" }),
    event("deferral", "2026-01-01T10:20:05Z", { diagnostic: "451 4.7.1 Greylisted" }),
    event("open", "2026-01-02T12:20:05Z", { ip: "198.51.100.1", user_agent: "Thunderbird" }),
    event("open", "2026-01-02T12:21:05Z", { ip: "198.51.100.2", user_agent: "Thunderbird" }),
  ]);
  expect(steps.map((step) => [step.event.kind, step.times, step.gap])).toEqual([
    ["send", 1, ""],
    ["deferral", 2, "5 seconds later"],
    ["open", 1, "1 day 2 hours later"],
    ["open", 1, "1 minute later"],
  ]);
  expect(steps[1]?.lastAt).toBe("2026-01-01T10:20:05Z");
  expect(gapBetween("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z")).toBe("");
});

test("automated opens are marked with the reason", () => {
  const machine = (agent: string | null, at: string): string =>
    timelineOf([event("send", "2026-01-01T10:00:00Z"), event("open", at, { user_agent: agent })])[1]?.machine ?? "?";
  expect(machine("Mozilla/5.0 (Windows NT 10.0) Firefox/150.0", "2026-01-01T10:05:00Z")).toBe("");
  expect(machine("Mozilla/5.0 (Windows NT 10.0) Firefox/150.0", "2026-01-01T10:00:01Z")).toContain("within seconds");
  expect(machine("Mozilla/5.0 (via ggpht.com GoogleImageProxy)", "2026-01-01T10:05:00Z")).toContain("Gmail");
  expect(machine("Mozilla/5.0", "2026-01-01T10:05:00Z")).toContain("Apple");
  expect(timelineOf([event("send", "2026-01-01T10:00:00Z")])[0]?.machine).toBe("");
});

test("SMTP responses are explained in plain sentences", () => {
  expect(explainReply("smtp;550 5.1.1 The mailbox does not exist")).toContain("no such mailbox");
  expect(explainReply("452 4.2.2 Over quota")).toContain("full");
  expect(explainReply("554 5.7.1 Service unavailable; listed at a block list")).toContain("block list");
  expect(explainReply("421 Try later")).toContain("tried again");
  expect(explainReply("599 Strange")).toContain("for good");
  expect(explainReply("250 2.0.0 OK")).toBe("");
  expect(explainReply(null)).toBe("");
});
