import { expect, test } from "vitest";
import { canExclude, conditionsOf, filterOf, isSame, withCondition, without, withOnly, withTyped } from "./filter";

test("typed text becomes a filter", () => {
  const table: readonly (readonly [string, Record<string, string | string[]>])[] = [
    ["kind:open tag:vip", { kind: "open", tag: "vip" }],
    ["KIND:open kind:click,open", { kind: "open,click" }],
    ['subject:"your invoice" late  payer', { subject: "your invoice", q: "late payer" }],
    ["metadata.Customer:7", { "metadata.Customer": "7" }],
    ["https://example.com/a time:10:30", { q: "https://example.com/a time:10:30" }],
    ["recipient:ada@example.com recipient:bo@example.com", { recipient: "bo@example.com" }],
    ['kind: "" constructor:x', { q: "kind: constructor:x" }],
    ["-kind:open -Tag:a -tag:b -tag:a", { "not.kind": "open", "not.tag": ["a", "b"] }],
    [
      '-metadata.Plan:free -q:word -subject:"no such" -not.kind:x',
      {
        "not.metadata.Plan": "free",
        q: '-q:word -subject:"no such" -not.kind:x',
      },
    ],
    ["-word from:24h", { q: "-word", from: "24h" }],
    ["   ", {}],
  ];
  for (const [text, filter] of table) expect(withTyped({}, text), text).toEqual(filter);
  expect(withTyped({ kind: "open", q: "one" }, "two kind:click")).toEqual({ kind: "open,click", q: "one two" });
});

test("a filter is read from the query and other parameters are ignored", () => {
  const query = { tag: "vip", kind: "open", cursor: "1", event: "7", q: "", page: ["a"], toString: "x" };
  expect(filterOf(query)).toEqual({ kind: "open", tag: "vip" });
  expect(filterOf({ "not.tag": ["b", "a", "b", "", null], tag: ["a", "b"], "not.q": "x" })).toEqual({
    "not.tag": ["a", "b"],
  });
  expect(isSame({ kind: "open", tag: "vip" }, { tag: "vip", kind: "open" })).toBe(true);
  expect(isSame({ kind: "open" }, {})).toBe(false);
});

test("conditions are added and removed one by one", () => {
  expect(withCondition({ "not.tag": "a" }, "not.tag", "b")).toEqual({ "not.tag": ["a", "b"] });
  expect(without({ kind: "open", tag: "vip" }, "kind")).toEqual({ tag: "vip" });
  expect(without({ "not.tag": ["a", "b"] }, "not.tag", "a")).toEqual({ "not.tag": "b" });
  expect(without({ "not.tag": "a" }, "not.tag", "a")).toEqual({});
  expect(withOnly({ kind: "open,click", "not.kind": ["send", "spam"] }, "kind", "send")).toEqual({
    kind: "send",
    "not.kind": "spam",
  });
  expect(conditionsOf({ kind: "open", "not.tag": ["a", "b"] })).toEqual([
    ["kind", "open"],
    ["not.tag", "a"],
    ["not.tag", "b"],
  ]);
});

test("only fields that the server can exclude are excludable", () => {
  expect(["kind", "tag", "metadata.plan", "url"].every(canExclude)).toBe(true);
  expect(["q", "subject", "simulated", "from", "not.kind", "metadata.", "nothing"].some(canExclude)).toBe(false);
});
