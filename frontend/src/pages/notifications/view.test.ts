import { expect, test } from "vitest";
import type { InboxNotification } from "../../api/types";
import { belongs, queryOf, viewOf } from "./view";

test("an address says what is shown, and nonsense in it nothing", () => {
  const query = { kind: "message", unread: "true", from_user: "3" };
  expect(queryOf(viewOf(query))).toEqual(query);
  expect(viewOf({})).toEqual({ kind: null, unread: false, from: null });
  expect(viewOf({ kind: "constructor", unread: "1", from_user: "0" })).toEqual(viewOf({}));
  expect(viewOf({ kind: ["open"], from_user: "3x" })).toEqual(viewOf({}));
  expect(queryOf(viewOf({}))).toEqual({});
});

test("what comes live is shown where it belongs", () => {
  const told = { kind: "message", read: false, from: { id: 3, email: "ada@example.com" } } as InboxNotification;
  const all = viewOf({});
  expect(belongs(told, all)).toBe(true);
  expect(belongs(told, { ...all, kind: "open" })).toBe(false);
  expect(belongs(told, { kind: "message", unread: true, from: 3 })).toBe(true);
  expect(belongs({ ...told, read: true }, { ...all, unread: true })).toBe(false);
  expect(belongs({ ...told, from: null }, { ...all, from: 3 })).toBe(false);
});
