import { expect, test } from "vitest";
import type { InboxNotification } from "../../api/types";
import { matchesView, queryOf, viewOf } from "./view";

test("the query determines the view and invalid parameters are ignored", () => {
  const query = { kind: "message", unread: "true", from_user: "3" };
  expect(queryOf(viewOf(query))).toEqual(query);
  expect(viewOf({})).toEqual({ kind: null, unread: false, from: null });
  expect(viewOf({ kind: "constructor", unread: "1", from_user: "0" })).toEqual(viewOf({}));
  expect(viewOf({ kind: ["open"], from_user: "3x" })).toEqual(viewOf({}));
  expect(queryOf(viewOf({}))).toEqual({});
});

test("live notifications are shown only in views that they match", () => {
  const notification = { kind: "message", read: false, from: { id: 3, email: "ada@example.com" } } as InboxNotification;
  const all = viewOf({});
  expect(matchesView(notification, all)).toBe(true);
  expect(matchesView(notification, { ...all, kind: "open" })).toBe(false);
  expect(matchesView(notification, { kind: "message", unread: true, from: 3 })).toBe(true);
  expect(matchesView({ ...notification, read: true }, { ...all, unread: true })).toBe(false);
  expect(matchesView({ ...notification, from: null }, { ...all, from: 3 })).toBe(false);
});
