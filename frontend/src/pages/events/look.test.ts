import { expect, test } from "vitest";
import { lookOf } from "./look";

test("what was kept is taken as far as it makes sense", () => {
  const usual = lookOf(null);
  expect(usual).toEqual({ columns: ["when", "what", "who", "subject", "detail", "tags"], compact: false });
  for (const nonsense of ["", "{", "[]", '"x"', '{"columns":["constructor"]}', '{"columns":7,"compact":"yes"}'])
    expect(lookOf(nonsense), nonsense).toEqual(usual);
  expect(lookOf('{"columns":["ip","what","gone"],"compact":true,"gone":false}')).toEqual({
    columns: ["what", "ip"],
    compact: true,
  });
});
