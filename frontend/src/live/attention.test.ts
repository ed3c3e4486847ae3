import { afterEach, expect, test, vi } from "vitest";

const groups = [{ count: 2 }, { count: 3 }];
const listQuarantine = vi.fn(() => Promise.resolve({ open: groups }));
const refusal = (hoursAgo: number, proven: number, likely: number) => ({
  last_at: new Date(Date.now() - hoursAgo * 3_600_000).toISOString(),
  proven,
  likely,
});
const listRefusals = vi.fn(() =>
  Promise.resolve({ items: [refusal(1, 1, 2), refusal(2, 0, 0), refusal(30, 5, 5)], next: null }),
);
vi.mock("../api/client", () => ({ listQuarantine, listRefusals }));

afterEach(() => vi.useRealTimers());

test("what waits is fetched at most once a minute, and a page that lists the quarantine also updates its count", async () => {
  vi.useFakeTimers();
  const { openQuarantineCount, recentRefusalCount, refreshAttention, setOpenGroups } = await import("./attention");
  const state = () => [openQuarantineCount.value, recentRefusalCount.value, listQuarantine.mock.calls.length];
  await refreshAttention();
  await refreshAttention();
  // Refusals of yesterday, and those that are not Mandrill's, call for nothing.
  expect(state()).toEqual([5, 3, 1]);
  vi.advanceTimersByTime(59_000);
  setOpenGroups([]);
  await refreshAttention();
  expect(state()).toEqual([0, 3, 1]);
  vi.advanceTimersByTime(1_000);
  listQuarantine.mockRejectedValueOnce(new Error("unavailable"));
  listRefusals.mockRejectedValueOnce(new Error("unavailable"));
  await refreshAttention();
  expect(state()).toEqual([0, 3, 2]);
});
