import { expect, test } from "vitest";
import { mistakeIn } from "./mistake";

test("what is JSON has no mistake", () => {
  for (const text of ["[]", '{"a":[1,-2.5e3,true,null,"x\\u00e9\\n"]}', " \n\t17 ", '""'])
    expect(mistakeIn(text)).toBeNull();
});

test("a mistake is found at its line and column", () => {
  const table: [string, number, number, RegExp][] = [
    ["", 1, 1, /nothing/],
    ['{"a":1,}', 1, 8, /comma too many/],
    ["[1,]", 1, 4, /value is missing/],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, /comma or “}” is missing/],
    ['{\n  "a" 1}', 2, 7, /colon/],
    ["[1 2]", 1, 4, /comma or “]” is missing/],
    ["{'a':1}", 1, 2, /name in double quotes/],
    ["['a']", 1, 2, /double quotes/],
    ["{a:1}", 1, 2, /name in double quotes/],
    ['["a\nb"]', 1, 2, /no closing quote/],
    ['["a', 1, 2, /no closing quote/],
    ['["\\x"]', 1, 3, /no such escape/],
    ['["a\tb"]', 1, 4, /control character/],
    ["[nul]", 1, 2, /value belongs here/],
    ["[01]", 1, 3, /comma or “]” is missing/],
    ["[1.]", 1, 3, /comma or “]” is missing/],
    ["[]\n]", 2, 1, /after the end/],
    ["[[1]", 1, 5, /“\[” is still open/],
    ["\r\n[\r\n{]", 3, 2, /name in double quotes/],
  ];
  for (const [text, line, column, what] of table) {
    const found = mistakeIn(text);
    expect([text, found?.line, found?.column]).toEqual([text, line, column]);
    expect(found?.what).toMatch(what);
  }
});

test("whatever is cut off or changed in a text, a place is found where the browser refuses it", () => {
  const whole = JSON.stringify({ a: [1, "x\n", { b: null }, true, -0.5e-7], "": {} }, null, 1);
  for (let at = 0; at < whole.length; at++) {
    for (const broken of [whole.slice(0, at), `${whole.slice(0, at)}?${whole.slice(at + 1)}`]) {
      const found = mistakeIn(broken);
      if (found) expect(found.what).not.toMatch(/JSON|token/);
      if (found) expect(broken.split("\n")[found.line - 1]?.length).toBeGreaterThanOrEqual(found.column - 1);
    }
  }
});

test("however deep and however long it is, the place is found, and a piece of the line around it", () => {
  expect(mistakeIn(`${"[".repeat(200_000)}x`)).toMatchObject({ line: 1, column: 200_001 });
  expect(mistakeIn(`["${"a".repeat(3_000_000)}" 1]`)).toMatchObject({ column: 3_000_005 });
  const found = mistakeIn(`[${"1,".repeat(100)}\n${" ".repeat(50)}x${"y".repeat(99)}\n]`);
  expect(found?.piece[found.caret]).toBe("x");
  expect(found?.piece.length).toBe(80);
});
