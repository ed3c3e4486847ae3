import { expect, test } from "vitest";
import type { Outcome } from "../../api/types";
import { dump, MAX_TEXT_LENGTH, visible } from "../../bytes";
import { reasonOf, tally } from "./reasons";
import { queryOf, viewOf } from "./view";

test("query and view round-trip and invalid parameters are ignored", () => {
  const view = { state: "retried", reason: "no_kind", item: 12 } as const;
  expect(viewOf({ state: "retried", reason: "no_kind", item: "12" })).toEqual(view);
  expect(queryOf(view)).toEqual({ state: "retried", reason: "no_kind", item: "12" });
  const defaults = { state: "open", reason: null, item: null } as const;
  for (const query of [{}, { state: "lost", reason: "", item: "-1" }, { state: ["open"], reason: null, item: "1e3" }]) {
    expect(viewOf(query)).toEqual(defaults);
  }
  expect(queryOf(defaults)).toEqual({});
});

test("invisible characters are made visible and others are unchanged", () => {
  expect(visible("a\nb\tc")).toBe("a\nb\tc");
  expect(visible("\0\r\u001b[31m\u007f")).toBe("⟨U+0000⟩⟨U+000D⟩⟨U+001B⟩[31m⟨U+007F⟩");
  expect(visible("abc\u202etxt.exe\ufeff")).toBe("abc⟨U+202E⟩txt.exe⟨U+FEFF⟩");
  expect(visible("<script>é😀")).toBe("<script>é😀");
  expect(visible("x".repeat(MAX_TEXT_LENGTH + 1))).toHaveLength(MAX_TEXT_LENGTH);
});

test("the hex dump has offsets and ASCII and is truncated", () => {
  expect(dump("/yBub3QgSlNPTg==")).toEqual({
    lines: ["0000  ff 20 6e 6f 74 20 4a 53  . not JS", "0008  4f 4e                    ON"],
    shown: 10,
  });
  expect(dump("")).toEqual({ lines: [], shown: 0 });
  const long = dump(btoa("\u00ff".repeat(10_000)));
  expect(long.shown).toBe(4096);
  expect(long.lines).toHaveLength(512);
});

test("outcomes are counted and missing items are reported as no longer open", () => {
  const of = (outcome: Outcome["outcome"], id: number): Outcome => ({ id, outcome, detail: "" });
  expect(tally([of("stored", 1), of("failed", 2), of("stored", 3), of("duplicate", 4)], 6)).toBe(
    "2 stored, 1 already stored, 1 still refused, 2 no longer open.",
  );
  expect(tally([], 0)).toBe("0 items tried.");
});

test("unknown reasons are labelled with their own name", () => {
  expect(reasonOf("no_kind").label).toBe("Missing event type");
  expect(reasonOf("too_odd").label).toBe("Too odd");
  expect(reasonOf("valueOf").label).toBe("ValueOf");
});
