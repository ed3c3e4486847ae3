import { expect, test } from "vitest";
import { counted, inWords, parts, sentence, sizeInWords, upTo99 } from "./words";

test("inWords capitalizes codes and replaces underscores", () => {
  expect(inWords("not_an_object")).toBe("Not an object");
  expect(inWords("")).toBe("");
});

test("counts are pluralized and sizes use short units", () => {
  expect(counted(1, "item")).toBe("1 item");
  expect(counted(0, "item")).toBe("0 items");
  expect(counted(2, "delivery", "deliveries")).toBe("2 deliveries");
  const sizes: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [123_456, "123 kB"],
    [1_500_000, "1.5 MB"],
    [33_554_432, "34 MB"],
    [5_000_000_000, "5000 MB"],
  ];
  for (const [bytes, text] of sizes) expect(sizeInWords(bytes)).toBe(text);
});

test("remarks become sentences, and URLs stay unchanged", () => {
  const table: [string, string][] = [
    ["answers", "Answers."],
    ["the schema is missing", "The schema is missing."],
    ["run `ingest migrate`", "Run `ingest migrate`."],
    ["http://127.0.0.1:1/webhook/", "http://127.0.0.1:1/webhook/"],
    ["`ftp://x` is no http address", "`ftp://x` is no http address."],
    ["2 configured", "2 configured."],
    ["PostgreSQL 18.1", "PostgreSQL 18.1."],
    ["3 months, made ahead to 2027-03-01", "3 months, made ahead to 2027-03-01."],
    ["Set WEBHOOK_KEYS.", "Set WEBHOOK_KEYS."],
    ["is it?", "Is it?"],
    ["", ""],
  ];
  for (const [text, expected] of table) expect(sentence(text)).toBe(expected);
});

test("backticks, URLs and setting names are split from the text", () => {
  expect(parts("run `ingest migrate`, then `x`")).toEqual([
    { text: "run ", code: false },
    { text: "ingest migrate", code: true },
    { text: ", then ", code: false },
    { text: "x", code: true },
  ]);
  expect(parts("Signed for https://a.example.com/webhook/, and WEBHOOK_URLS has another.")).toEqual([
    { text: "Signed for ", code: false },
    { text: "https://a.example.com/webhook/", code: true },
    { text: ", and ", code: false },
    { text: "WEBHOOK_URLS", code: true },
    { text: " has another.", code: false },
  ]);
  expect(parts("a lone ` stays")).toEqual([{ text: "a lone ` stays", code: false }]);
  expect(parts("")).toEqual([]);
});

test("badge counts are capped at 99+", () => {
  expect([upTo99(7), upTo99(99), upTo99(100)]).toEqual(["7", "99", "99+"]);
});
