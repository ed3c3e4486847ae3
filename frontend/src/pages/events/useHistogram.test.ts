import { expect, test, vi } from "vitest";
import type { Histogram } from "../../api/types";

const getHistogram = vi.fn<(filter: Record<string, string>) => Promise<Histogram>>();
vi.mock("../../api/events", () => ({ getHistogram }));
const { describeCharted, fetchChart } = await import("./useHistogram");

const HOUR = 3_600_000;

/** A chart of `hours` up to now, in which one open happened. */
function chart(hours: number): Histogram {
  const [from, to] = [Date.now() - hours * HOUR, Date.now()].map((at) => new Date(at).toISOString());
  return {
    from,
    to,
    step: 900,
    is_complete: false,
    buckets: [{ at: from, kinds: { open: 1 } }],
  } as unknown as Histogram;
}

test("the chart looks 30 days back if none of the shown kinds occurred in the last day", async () => {
  getHistogram.mockImplementation((filter) => Promise.resolve(chart("from" in filter ? 720 : 24)));
  const day = await fetchChart({}, () => true);
  expect(describeCharted({}, day)).toBe("Last 24 hours");
  const month = await fetchChart({}, (kind) => kind === "spam");
  expect(describeCharted({}, month)).toBe("Last 30 days");
  const [{ from = "" } = {}] = getHistogram.mock.lastCall ?? [];
  expect(Math.round((Date.now() - Date.parse(from)) / HOUR)).toBe(720);
  const to = "2026-03-04T05:06:07Z";
  await fetchChart({ to }, () => false);
  expect(getHistogram.mock.lastCall?.[0]).toEqual({ to, from: "2026-02-02T05:06:07.000Z" });
  expect(describeCharted({ to }, chart(24))).toMatch(/\s–\sMar 4, 2026/);
  // A chosen time is never widened.
  getHistogram.mockClear();
  await fetchChart({ from: new Date().toISOString() }, () => false);
  expect(getHistogram).toHaveBeenCalledOnce();
});

test("the chart of few events covers what the list covers, even if none of the shown kinds occurred", async () => {
  getHistogram.mockClear();
  const all = { ...chart(24), is_complete: true };
  getHistogram.mockResolvedValue(all);
  expect(describeCharted({}, await fetchChart({}, () => false))).toBe("All time");
  expect(getHistogram).toHaveBeenCalledOnce();
});
