import { beforeEach, expect, test, vi } from "vitest";
import type { SavedView } from "../api/views";

const stored: SavedView[] = [];
vi.mock("../api/views", () => ({ listViews: () => Promise.resolve([...stored]) }));

function view(id: number, query: string): SavedView {
  return { id, name: `View ${id}`, query, shared: false, mine: true, owner_email: "ada@example.com" };
}

beforeEach(() => {
  stored.length = 0;
});

test("queries are normalized in one order, without the open event", async () => {
  const { normalizeQuery } = await import("./views");
  expect(normalizeQuery({ tag: "vip", event: "7", kind: "open,click" })).toBe("kind=open%2Cclick&tag=vip");
  expect(normalizeQuery({ "not.tag": ["b", "a"] })).toBe(normalizeQuery({ "not.tag": ["a", "b"] }));
  expect(normalizeQuery({ event: "7" })).toBe("");
});

test("an opened view stays current while its filter changes, until the filter is cleared", async () => {
  const { current, isChanged, loadViews, trackLocation, savableQuery } = await import("./views");
  stored.push(view(1, "kind=open"), view(2, "kind=click"), view(3, "kind=open"));
  await loadViews();
  trackLocation("/", { tag: "vip" });
  expect([current.value, isChanged.value, savableQuery.value]).toEqual([null, false, "tag=vip"]);
  trackLocation("/", { kind: "open" });
  expect([current.value?.id, isChanged.value]).toEqual([1, false]);
  trackLocation("/", { kind: "open", tag: "vip" });
  expect([current.value?.id, isChanged.value]).toEqual([1, true]);
  // Another page has no current view; going back restores it.
  trackLocation("/system", {});
  expect([current.value, savableQuery.value]).toEqual([null, null]);
  trackLocation("/", { kind: "open", tag: "vip" });
  expect([current.value?.id, isChanged.value]).toEqual([1, true]);
  trackLocation("/", { kind: "click", event: "9" });
  expect([current.value?.id, isChanged.value]).toEqual([2, false]);
  stored.splice(1, 1);
  await loadViews();
  expect(current.value).toBe(null);
  trackLocation("/", {});
  trackLocation("/", { tag: "vip" });
  expect(current.value).toBe(null);
});
