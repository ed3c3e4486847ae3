import { expect, test } from "vitest";
import { copied, linesOf } from "./payload";

const payload = { event: "open", msg: { tags: ["vip", "a b"], "user agent": null, metadata: {} } };
const shown = (search = "", open = true): string[] =>
  linesOf(payload, () => open, search).lines.map(({ path, text }) => `${path} ${text}`);

test("a tree is told line by line, with the way to each value", () => {
  expect(shown()).toEqual([
    'event "open"',
    "msg {3}",
    "msg.tags [2]",
    'msg.tags[0] "vip"',
    'msg.tags[1] "a b"',
    'msg["user agent"] null',
    "msg.metadata {0}",
  ]);
  expect(shown("", false)).toEqual(['event "open"', "msg {3}"]);
  expect(linesOf("text", () => true).lines).toMatchObject([{ path: "", text: '"text"', open: null }]);
});

test("a search shows what it finds and the way there, also in what is closed", () => {
  expect(shown("VIP", false)).toEqual(["msg {3}", "msg.tags [2]", 'msg.tags[0] "vip"']);
  expect(shown("user", false)).toEqual(["msg {3}", 'msg["user agent"] null']);
  expect(shown("nowhere")).toEqual([]);
});

test("what is large is cut, and copied whole", () => {
  const long = "x".repeat(5_000);
  const { lines, cut } = linesOf({ long, many: Array.from({ length: 5_000 }, (_, n) => n) }, () => true);
  expect(lines.length).toBe(1_000);
  expect(cut).toBe(true);
  expect(lines[0]?.text.length).toBeLessThan(400);
  expect(copied(long)).toBe(long);
  expect(copied({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
});
