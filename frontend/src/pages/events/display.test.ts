import { expect, test } from "vitest";
import { parseDisplay } from "./display";

test("invalid parts of stored settings are ignored", () => {
  const defaults = parseDisplay(null);
  expect(defaults).toEqual({ columns: ["when", "what", "who", "subject", "detail", "tags"], compact: false });
  for (const nonsense of ["", "{", "[]", '"x"', '{"columns":["constructor"]}', '{"columns":7,"compact":"yes"}'])
    expect(parseDisplay(nonsense), nonsense).toEqual(defaults);
  expect(parseDisplay('{"columns":["ip","what","gone"],"compact":true,"gone":false}')).toEqual({
    columns: ["what", "ip"],
    compact: true,
  });
});
