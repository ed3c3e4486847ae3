import { expect, test } from "vitest";
import { canExclude, filterOf, including, isSame, only, pairsOf, typed, without } from "./filter";

test("what somebody types becomes a filter", () => {
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
  for (const [text, filter] of table) expect(typed({}, text), text).toEqual(filter);
  expect(typed({ kind: "open", q: "one" }, "two kind:click")).toEqual({ kind: "open,click", q: "one two" });
});

test("an address holds a filter, and whatever else is in it is no filter", () => {
  const query = { tag: "vip", kind: "open", cursor: "1", event: "7", q: "", page: ["a"], toString: "x" };
  expect(filterOf(query)).toEqual({ kind: "open", tag: "vip" });
  expect(filterOf({ "not.tag": ["b", "a", "b", "", null], tag: ["a", "b"], "not.q": "x" })).toEqual({
    "not.tag": ["a", "b"],
  });
  expect(isSame({ kind: "open", tag: "vip" }, { tag: "vip", kind: "open" })).toBe(true);
  expect(isSame({ kind: "open" }, {})).toBe(false);
});

test("conditions are added and taken away one by one", () => {
  expect(including({ "not.tag": "a" }, "not.tag", "b")).toEqual({ "not.tag": ["a", "b"] });
  expect(without({ kind: "open", tag: "vip" }, "kind")).toEqual({ tag: "vip" });
  expect(without({ "not.tag": ["a", "b"] }, "not.tag", "a")).toEqual({ "not.tag": "b" });
  expect(without({ "not.tag": "a" }, "not.tag", "a")).toEqual({});
  expect(only({ kind: "open,click", "not.kind": ["send", "spam"] }, "kind", "send")).toEqual({
    kind: "send",
    "not.kind": "spam",
  });
  expect(pairsOf({ kind: "open", "not.tag": ["a", "b"] })).toEqual([
    ["kind", "open"],
    ["not.tag", "a"],
    ["not.tag", "b"],
  ]);
});

test("only what the server can leave out can be excluded", () => {
  expect(["kind", "tag", "metadata.plan", "url"].every(canExclude)).toBe(true);
  expect(["q", "subject", "simulated", "from", "not.kind", "metadata.", "nothing"].some(canExclude)).toBe(false);
});
