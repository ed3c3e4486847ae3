import { expect, test } from "vitest";
import type { MailEvent } from "../../api/types";
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
  const verdict = { reason_class: null, actor: null, actor_reason: null };
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
    ...verdict,
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

test("opens of different actors are not merged", () => {
  const open = (actor: MailEvent["actor"]) => event("open", "2026-01-01T10:00:00Z", { actor });
  expect(timelineOf([open("person"), open("scanner"), open("scanner")]).map((step) => step.times)).toEqual([1, 2]);
});
