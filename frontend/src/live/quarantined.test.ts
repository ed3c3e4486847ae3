import { afterEach, expect, test, vi } from "vitest";

const groups = [{ count: 2 }, { count: 3 }];
const asked = vi.fn(() => Promise.resolve({ open: groups }));
vi.mock("../api/client", () => ({ listQuarantine: asked }));

afterEach(() => vi.useRealTimers());

test("what is open is asked for at most once a minute, and what a page fetched counts as asked", async () => {
  vi.useFakeTimers();
  const { askQuarantined, quarantined, takeOpen } = await import("./quarantined");
  await askQuarantined();
  await askQuarantined();
  expect([quarantined.value, asked.mock.calls.length]).toEqual([5, 1]);
  vi.advanceTimersByTime(59_000);
  takeOpen([]);
  vi.advanceTimersByTime(59_000);
  await askQuarantined();
  expect([quarantined.value, asked.mock.calls.length]).toEqual([0, 1]);
  vi.advanceTimersByTime(1_000);
  asked.mockRejectedValueOnce(new Error("away"));
  await askQuarantined();
  expect([quarantined.value, asked.mock.calls.length]).toEqual([0, 2]);
});
