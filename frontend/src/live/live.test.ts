import { expect, test } from "vitest";
import { backoff } from "./backoff";
import { merge } from "./merge";

const at = (id: number, second: number): { id: number; received_at: string } => ({
  id,
  received_at: new Date(second * 1000).toISOString(),
});

test("backoff grows exponentially, covers the whole range, and is capped", () => {
  expect(backoff(0, 0)).toBe(0);
  expect(backoff(0, 0.5)).toBe(250);
  expect(backoff(3, 1)).toBe(4000);
  expect(backoff(50, 1)).toBe(30_000);
});

test("merge keeps duplicates once, in any order of arrival", () => {
  const page = [at(5, 50), at(3, 30), at(1, 10)];
  const live = [at(4, 40), at(5, 50), at(6, 50)];
  const ids = (items: readonly { id: number }[]): number[] => items.map((item) => item.id);
  expect(ids(merge(page, live))).toEqual([6, 5, 4, 3, 1]);
  expect(ids(merge(merge([], live), page))).toEqual([6, 5, 4, 3, 1]);
  expect(ids(merge(page, page))).toEqual([5, 3, 1]);
  expect(ids(merge(page, live, 2))).toEqual([6, 5]);
});

test("merge orders fractional seconds of different lengths by time", () => {
  const items = merge(
    [{ id: 1, received_at: "2026-11-24T10:00:00.5Z" }],
    [{ id: 2, received_at: "2026-11-24T10:00:00.25Z" }],
  );
  expect(items.map((item) => item.id)).toEqual([1, 2]);
});

test("merge sorts and deduplicates items that are all newer or all older", () => {
  const page = [at(5, 50), at(3, 30)];
  expect(merge(page, [at(7, 70), at(6, 60), at(7, 70)]).map(({ id }) => id)).toEqual([7, 6, 5, 3]);
  expect(merge(page, [at(1, 10), at(2, 20)]).map(({ id }) => id)).toEqual([5, 3, 2, 1]);
  expect(merge(page, [])).toEqual(page);
});
