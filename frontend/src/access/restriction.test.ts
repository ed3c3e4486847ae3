import { expect, test } from "vitest";
import { describe, linesOf } from "./restriction";

test("a restriction in words names each value", () => {
  expect(describe({ subaccounts: ["eu", "us"], tags: ["vip"], domains: ["shop.example.com"] })).toBe(
    "subaccount eu, subaccount us, tag vip or sender at shop.example.com",
  );
  expect(describe({ tags: ["vip"] })).toBe("tag vip");
  expect(describe({})).toBe("no events");
});

test("values stand on lines of their own", () => {
  expect(linesOf(" eu\n\nclient a \r\n")).toEqual(["eu", "client a"]);
});
