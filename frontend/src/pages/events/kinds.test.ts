import { expect, test } from "vitest";
import { kindStyle } from "./kinds";

test("unknown kinds are labelled with their own name", () => {
  expect(kindStyle("open").label).toBe("Opened");
  expect(kindStyle("sms_delivered")).toMatchObject({ label: "Sms delivered", tone: "quiet" });
  expect(kindStyle("blacklist_add").label).toBe("Denylist add");
  expect(kindStyle("constructor").label).toBe("Constructor");
});
