import { expect, test } from "vitest";
import { ExactNumber, parseExactly } from "./json";

test("numbers keep every digit", () => {
  const parsed = parseExactly('{"a":12345678901234567890,"b":1.50,"c":7,"d":-0,"e":1e400,"f":"1.50","g":[0.1,100]}');
  expect(parsed).toEqual({
    a: new ExactNumber("12345678901234567890"),
    b: new ExactNumber("1.50"),
    c: 7,
    d: new ExactNumber("-0"),
    e: new ExactNumber("1e400"),
    f: "1.50",
    g: [0.1, 100],
  });
  expect(`${(parsed as { a: ExactNumber }).a}`).toBe("12345678901234567890");
});

test("everything else is parsed as by the browser", () => {
  for (const text of ['{"a":1,"a":2,"b":1.50}', '{"__proto__":{"x":1.50}}', "[]", '"1.50"', "9007199254740991"]) {
    expect(parseExactly(text), text).toEqual(JSON.parse(text));
  }
  expect(() => parseExactly("{1.50")).toThrow(SyntaxError);
});
