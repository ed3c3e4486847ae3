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

test("a query is kept in one order, without the event that is open", async () => {
  const { keptOf } = await import("./views");
  expect(keptOf({ tag: "vip", event: "7", kind: "open,click" })).toBe("kind=open%2Cclick&tag=vip");
  expect(keptOf({ "not.tag": ["b", "a"] })).toBe(keptOf({ "not.tag": ["a", "b"] }));
  expect(keptOf({ event: "7" })).toBe("");
});

test("a view that was opened stays the one shown while its filter is changed, until there is none", async () => {
  const { current, isChanged, loadViews, nowAt, unsaved } = await import("./views");
  stored.push(view(1, "kind=open"), view(2, "kind=click"), view(3, "kind=open"));
  await loadViews();
  nowAt("/", { tag: "vip" });
  expect([current.value, isChanged.value, unsaved.value]).toEqual([null, false, "tag=vip"]);
  nowAt("/", { kind: "open" });
  expect([current.value?.id, isChanged.value]).toEqual([1, false]);
  nowAt("/", { kind: "open", tag: "vip" });
  expect([current.value?.id, isChanged.value]).toEqual([1, true]);
  // Elsewhere none is shown, and back it is the same.
  nowAt("/system", {});
  expect([current.value, unsaved.value]).toEqual([null, null]);
  nowAt("/", { kind: "open", tag: "vip" });
  expect([current.value?.id, isChanged.value]).toEqual([1, true]);
  nowAt("/", { kind: "click", event: "9" });
  expect([current.value?.id, isChanged.value]).toEqual([2, false]);
  stored.splice(1, 1);
  await loadViews();
  expect(current.value).toBe(null);
  nowAt("/", {});
  nowAt("/", { tag: "vip" });
  expect(current.value).toBe(null);
});
