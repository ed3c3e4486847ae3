import { expect, test } from "vitest";
import { isNewer } from "./merge";

test("times are compared to the microsecond, whatever number of digits they have", () => {
  const times = [
    "2026-11-30T12:00:00Z",
    "2026-11-30T12:00:00.000001Z",
    "2026-11-30T12:00:00.5Z",
    "2026-11-30T12:00:00.500001Z",
  ];
  for (const [older, first] of times.entries())
    for (const second of times.slice(older + 1)) {
      expect(isNewer({ id: 1, received_at: second }, { id: 2, received_at: first })).toBe(true);
      expect(isNewer({ id: 2, received_at: first }, { id: 1, received_at: second })).toBe(false);
    }
});
