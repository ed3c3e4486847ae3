import { expect, test } from "vitest";
import { spanOf } from "./useWindowRows";

test("only rows near the viewport are rendered at any scroll position", () => {
  expect(spanOf(0, 720, 36, 100_000)).toEqual({ first: 0, end: 26 });
  expect(spanOf(-300, 720, 36, 100_000)).toEqual({ first: 0, end: 18 });
  expect(spanOf(36_000, 720, 36, 100_000)).toEqual({ first: 994, end: 1_026 });
  expect(spanOf(3_599_280, 720, 36, 100_000)).toEqual({ first: 99_974, end: 100_000 });
  expect(spanOf(36_000, 720, 36, 10)).toEqual({ first: 10, end: 10 });
  expect(spanOf(0, 720, 36, 0)).toEqual({ first: 0, end: 0 });
});
