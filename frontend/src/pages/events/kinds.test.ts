import { expect, test } from "vitest";
import { lookOf } from "./kinds";

test("a kind that nobody has heard of is shown by its own name", () => {
  expect(lookOf("open").word).toBe("Opened");
  expect(lookOf("sms_delivered")).toMatchObject({ word: "Sms delivered", tone: "quiet" });
  expect(lookOf("blacklist_add").word).toBe("Denylist add");
  expect(lookOf("constructor").word).toBe("Constructor");
});
