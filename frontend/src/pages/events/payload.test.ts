import { expect, test } from "vitest";
import { copyText, linesOf } from "./payload";

const payload = { event: "open", msg: { tags: ["vip", "a b"], "user agent": null, metadata: {} } };
const shown = (search = "", open = true): string[] =>
  linesOf(payload, () => open, search).lines.map(({ path, text }) => `${path} ${text}`);

test("the tree is flattened to lines with the path of each value", () => {
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

test("a search shows matches and their parents, even inside closed objects", () => {
  expect(shown("VIP", false)).toEqual(["msg {3}", "msg.tags [2]", 'msg.tags[0] "vip"']);
  expect(shown("user", false)).toEqual(["msg {3}", 'msg["user agent"] null']);
  expect(shown("nowhere")).toEqual([]);
});

test("large payloads are truncated for display and copied in full", () => {
  const long = "x".repeat(5_000);
  const { lines, truncated } = linesOf({ long, many: Array.from({ length: 5_000 }, (_, n) => n) }, () => true);
  expect(lines.length).toBe(1_000);
  expect(truncated).toBe(true);
  expect(lines[0]?.text.length).toBeLessThan(400);
  expect(copyText(long)).toBe(long);
  expect(copyText({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
});
