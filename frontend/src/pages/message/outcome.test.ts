import { expect, test } from "vitest";
import type { MailEvent } from "../../api/types";
import { linksOf, outcomeOf } from "./outcome";
import { durationInWords } from "./timeline";

type Happening = readonly [kind: string, seconds: number, more?: Partial<MailEvent>];

/** Events of a message, each a number of seconds after the first one. */
function events(...all: readonly Happening[]): MailEvent[] {
  return all.map(([kind, seconds, more]) => ({
    ...({
      kind,
      url: null,
      reason_class: null,
      actor: kind === "open" || kind === "click" ? "person" : null,
    } as MailEvent),
    occurred_at: new Date(Date.UTC(2026, 10, 24) + seconds * 1000).toISOString(),
    ...more,
  }));
}
const headline = (...all: readonly Happening[]): string => outcomeOf(events(...all)).headline;

test("the headline says what became of a message", () => {
  const machine = { actor: "scanner" } as const;
  const table: readonly (readonly [string, readonly Happening[]])[] = [
    ["Sent, not yet reported as delivered", [["send", 0]]],
    [
      "Delivered in 9 s, opened twice, clicked once",
      [
        ["send", 0],
        ["delivered", 9],
        ["open", 60],
        ["open", 90],
        ["open", 10, machine],
        ["click", 95],
      ],
    ],
    [
      "Delivered in 9 s, opened by machines only",
      [
        ["send", 0],
        ["delivered", 9],
        ["open", 60, machine],
      ],
    ],
    [
      "Deferred: greylisted",
      [
        ["send", 0],
        ["deferral", 5, { reason_class: "greylisted" }],
      ],
    ],
    [
      "Delivered in 5 min 3 s",
      [
        ["send", 0],
        ["deferral", 5, { reason_class: "greylisted" }],
        ["delivered", 303],
      ],
    ],
    [
      "Bounced: no such mailbox",
      [
        ["send", 0],
        ["hard_bounce", 5, { reason_class: "no_mailbox" }],
      ],
    ],
    [
      "Delivered in 2 s, then bounced: mailbox full",
      [
        ["send", 0],
        ["delivered", 2],
        ["soft_bounce", 60, { reason_class: "mailbox_full" }],
      ],
    ],
    ["Rejected: on the denylist", [["reject", 0, { reason_class: "suppressed" }]]],
    [
      "Delivered, opened 3 times, marked as spam",
      [
        ["delivered", 0],
        ["open", 1],
        ["open", 2],
        ["open", 3],
        ["spam", 9],
      ],
    ],
    [
      "Arrived, opened once, unsubscribed",
      [
        ["send", 0],
        ["open", 90],
        ["unsub", 99],
      ],
    ],
    ["Received", [["inbound", 0]]],
  ];
  for (const [expected, all] of table) expect(headline(...all)).toBe(expected);
});

test("a failure is explained until the message has arrived", () => {
  const deferred = events(["send", 0], ["deferral", 5]);
  expect([outcomeOf(deferred).failure?.kind, outcomeOf(deferred).tone]).toEqual(["deferral", "warn"]);
  const arrived = events(["send", 0], ["deferral", 5], ["delivered", 60]);
  expect([outcomeOf(arrived).failure, outcomeOf(arrived).tone, outcomeOf(arrived).deferrals]).toEqual([null, "ok", 1]);
  expect(outcomeOf(events(["send", 0], ["hard_bounce", 5])).tone).toBe("bad");
});

test("links are counted by persons and machines, and durations have two units", () => {
  const [a, b] = [{ url: "https://example.com/a" }, { url: "https://example.com/b" }];
  const clicks = events(["click", 1, a], ["click", 2, { ...b, actor: "scanner" }], ["click", 3, b], ["click", 4, b]);
  expect(linksOf(clicks)).toEqual([
    { ...b, persons: 2, machines: 1 },
    { ...a, persons: 1, machines: 0 },
  ]);
  expect([0, 9_500, 192_000, 90_000_000].map(durationInWords)).toEqual([
    "less than a second",
    "9 s",
    "3 min 12 s",
    "1 d 1 h",
  ]);
});
