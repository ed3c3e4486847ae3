import { expect, test } from "vitest";
import { filterOf, isSame, typed, without } from "./filter";

test("what somebody types becomes a filter", () => {
  const table: readonly (readonly [string, Record<string, string>])[] = [
    ["kind:open tag:vip", { kind: "open", tag: "vip" }],
    ["KIND:open kind:click,open", { kind: "open,click" }],
    ['subject:"your invoice" late  payer', { subject: "your invoice", q: "late payer" }],
    ["metadata.Customer:7", { "metadata.Customer": "7" }],
    ["https://example.com/a time:10:30", { q: "https://example.com/a time:10:30" }],
    ["recipient:ada@example.com recipient:bo@example.com", { recipient: "bo@example.com" }],
    ['kind: "" constructor:x', { q: "kind: constructor:x" }],
    ["   ", {}],
  ];
  for (const [text, filter] of table) expect(typed({}, text), text).toEqual(filter);
  expect(typed({ kind: "open", q: "one" }, "two kind:click")).toEqual({ kind: "open,click", q: "one two" });
});

test("an address holds a filter, and whatever else is in it is no filter", () => {
  expect(filterOf({ tag: "vip", kind: "open", cursor: "1", q: "", page: ["a"], toString: "x" })).toEqual({
    kind: "open",
    tag: "vip",
  });
  expect(without({ kind: "open", tag: "vip" }, "kind")).toEqual({ tag: "vip" });
  expect(isSame({ kind: "open", tag: "vip" }, { tag: "vip", kind: "open" })).toBe(true);
  expect(isSame({ kind: "open" }, {})).toBe(false);
});
