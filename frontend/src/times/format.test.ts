import { afterEach, expect, test, vi } from "vitest";
import { ago } from "./format";

test("relative times are short and never in the future", () => {
  const table: [number, string][] = [
    [-5, "0 s"],
    [0, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [3599, "59 min"],
    [3600, "1 h"],
    [86_400 * 3, "3 d"],
    [86_400 * 800, "2 y"],
  ];
  for (const [seconds, text] of table) expect(ago(0, seconds * 1000)).toBe(text);
});

afterEach(() => vi.unstubAllEnvs());

test("the time of day follows the chosen time zone", async () => {
  vi.stubEnv("TZ", "Asia/Kolkata");
  vi.resetModules();
  const { format } = await import("./format");
  const { zone } = await import("../preferences");
  const at = Date.UTC(2026, 0, 1, 10, 5);
  expect(format("time", at)).toMatch(/^0?3:35/);
  zone.value = "utc";
  expect(format("time", at)).toMatch(/^10:05/);
});
