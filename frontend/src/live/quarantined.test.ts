import { afterEach, expect, test, vi } from "vitest";

const groups = [{ count: 2 }, { count: 3 }];
const listQuarantine = vi.fn(() => Promise.resolve({ open: groups }));
vi.mock("../api/client", () => ({ listQuarantine }));

afterEach(() => vi.useRealTimers());

test("the open count is fetched at most once a minute, and a page that lists the quarantine also updates it", async () => {
  vi.useFakeTimers();
  const { openQuarantineCount, refreshOpenCount, setOpenGroups } = await import("./quarantined");
  await refreshOpenCount();
  await refreshOpenCount();
  expect([openQuarantineCount.value, listQuarantine.mock.calls.length]).toEqual([5, 1]);
  vi.advanceTimersByTime(59_000);
  setOpenGroups([]);
  vi.advanceTimersByTime(59_000);
  await refreshOpenCount();
  expect([openQuarantineCount.value, listQuarantine.mock.calls.length]).toEqual([0, 1]);
  vi.advanceTimersByTime(1_000);
  listQuarantine.mockRejectedValueOnce(new Error("unavailable"));
  await refreshOpenCount();
  expect([openQuarantineCount.value, listQuarantine.mock.calls.length]).toEqual([0, 2]);
});
