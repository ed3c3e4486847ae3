import { expect, test } from "vitest";
import { findJsonError } from "./jsonError";

test("valid JSON has no error", () => {
  for (const text of ["[]", '{"a":[1,-2.5e3,true,null,"x\\u00e9\\n"]}', " \n\t17 ", '""'])
    expect(findJsonError(text)).toBeNull();
});

test("an error is reported with its line and column", () => {
  const table: [string, number, number, RegExp][] = [
    ["", 1, 1, /empty/],
    ['{"a":1,}', 1, 8, /Trailing comma/],
    ["[1,]", 1, 4, /Expected a value before/],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, /Expected a comma or “}”/],
    ['{\n  "a" 1}', 2, 7, /colon/],
    ["[1 2]", 1, 4, /Expected a comma or “]”/],
    ["{'a':1}", 1, 2, /name in double quotes/],
    ["['a']", 1, 2, /double quotes/],
    ["{a:1}", 1, 2, /name in double quotes/],
    ['["a\nb"]', 1, 2, /no closing quote/],
    ['["a', 1, 2, /no closing quote/],
    ['["\\x"]', 1, 3, /Unknown escape/],
    ['["a\tb"]', 1, 4, /control character/],
    ["[nul]", 1, 2, /Expected a value/],
    ["[01]", 1, 3, /Expected a comma or “]”/],
    ["[1.]", 1, 3, /Expected a comma or “]”/],
    ["[]\n]", 2, 1, /after the end/],
    ["[[1]", 1, 5, /Unclosed “\[”/],
    ["\r\n[\r\n{]", 3, 2, /name in double quotes/],
  ];
  for (const [text, line, column, message] of table) {
    const found = findJsonError(text);
    expect([text, found?.line, found?.column]).toEqual([text, line, column]);
    expect(found?.message).toMatch(message);
  }
});

test("every truncation or corruption that the browser rejects is located", () => {
  const valid = JSON.stringify({ a: [1, "x\n", { b: null }, true, -0.5e-7], "": {} }, null, 1);
  for (let offset = 0; offset < valid.length; offset++) {
    for (const broken of [valid.slice(0, offset), `${valid.slice(0, offset)}?${valid.slice(offset + 1)}`]) {
      const found = findJsonError(broken);
      if (found) expect(found.message).not.toMatch(/JSON|token/);
      if (found) expect(broken.split("\n")[found.line - 1]?.length).toBeGreaterThanOrEqual(found.column - 1);
    }
  }
});

test("errors in deeply nested and very long texts are located, with an excerpt of the line", () => {
  expect(findJsonError(`${"[".repeat(200_000)}x`)).toMatchObject({ line: 1, column: 200_001 });
  expect(findJsonError(`["${"a".repeat(3_000_000)}" 1]`)).toMatchObject({ column: 3_000_005 });
  const found = findJsonError(`[${"1,".repeat(100)}\n${" ".repeat(50)}x${"y".repeat(99)}\n]`);
  expect(found?.excerpt[found.caret]).toBe("x");
  expect(found?.excerpt.length).toBe(80);
});
