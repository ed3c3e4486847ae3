import { expect, test } from "vitest";
import { canExclude, conditionsOf, filterOf, isSame, withCondition, without, withOnly } from "./filter";

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
  expect(["q", "subject", "simulated", "from", "not.kind", "metadata.", "nothing", "tag.prefix"].some(canExclude)).toBe(
    false,
  );
});
