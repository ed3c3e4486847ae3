import { expect, test } from "vitest";
import type { InboxNotification } from "../api/types";
import { groupsOf } from "./groups";

const one = (id: number, title: string, kind = "open"): InboxNotification =>
  ({ id, title, kind, body: "", actor: "person" }) as InboxNotification;
const ids = (items: readonly InboxNotification[]): number[][] =>
  groupsOf(items).map((group) => group.items.map(({ id }) => id));

test("like notifications in a row are one group, except messages of users", () => {
  const items = [one(6, "a"), one(5, "a"), one(4, "b"), one(3, "a"), one(2, "hi", "message"), one(1, "hi", "message")];
  expect(ids(items)).toEqual([[6, 5], [4], [3], [2], [1]]);
});

test("a group keeps its key while newer ones are added", () => {
  const before = [one(2, "a"), one(1, "a")];
  const after = [one(3, "a"), ...before];
  expect(groupsOf(after)[0]?.key).toBe(groupsOf(before)[0]?.key);
  expect(groupsOf(after)[0]?.newest.id).toBe(3);
});
