import { expect, test } from "vitest";
import { verdicts } from "../api/verdicts";
import { zone } from "../preferences";
import { fieldOfParameter, FIELDS } from "./fields";
import { conditionsOf, withTyped } from "./filter";
import { parseQuery, textOf, textOfWords } from "./parse";
import { KINDS, labelOf } from "./vocabulary";

/** The filter for typed text that has no mistakes. */
function typed(text: string): Record<string, unknown> {
  const parsed = parseQuery(text);
  expect(parsed.mistakes, text).toEqual([]);
  return withTyped({}, parsed);
}

test("typed text becomes the parameters of the API", () => {
  const table: readonly (readonly [string, Record<string, string | string[]>])[] = [
    ["kind:open tag:vip", { kind: "open", tag: "vip" }],
    ["kind:Opened", { kind: "open" }],
    ['KIND:open,"soft bounce",Soft-Bounced', { kind: "open,soft_bounce" }],
    ["status:bounced -kind:opened,clicked", { kind: "hard_bounce", "not.kind": "open,click" }],
    ["to:tom@example.com from:shop@example.com", { recipient: "tom@example.com", sender: "shop@example.com" }],
    ["email:a@example.com", { recipient: "a@example.com" }],
    ["to:@example.com -to:@example.org", { domain: "example.com", "not.domain": "example.org" }],
    ["since:24h until:2026-11-24T10:00:00Z", { from: "24h", to: "2026-11-24T10:00:00.000Z" }],
    ["reason:mailbox-full by:person,scanner", { reason_class: "mailbox_full", actor: "person,scanner" }],
    ['by:"a security scanner"', { actor: "scanner" }],
    ["tag:pro* template:*come*", { "tag.prefix": "pro", "template.contains": "come" }],
    ['tag:"pro*" tag:"a b"*', { tag: "pro*", "tag.prefix": "a b" }],
    ["subject:x*", { subject: "x*" }],
    ['subject:"your invoice" late  payer', { subject: "your invoice", q: "late payer" }],
    ["metadata.Customer:7 -metadata.Plan:free", { "metadata.Customer": "7", "not.metadata.Plan": "free" }],
    ["https://example.com/a 10:30 -word", { q: "https://example.com/a 10:30 -word" }],
    ["-Tag:a -tag:b -tag:a", { "not.tag": ["a", "b"] }],
    ["simulated:no link:https://example.com/a?b=c:d", { simulated: "false", url: "https://example.com/a?b=c:d" }],
    ['"kind:open" sophie', { q: "kind:open sophie" }],
    ['tag:"a \\"b\\" \\\\"', { tag: 'a "b" \\' }],
    ["Bounced", { kind: "hard_bounce" }],
    ["mailbox full", { reason_class: "mailbox_full" }],
    ['"bounced"', { q: "bounced" }],
    ["bounced sophie", { q: "bounced sophie" }],
    ["deferred since:24h", { kind: "deferral", from: "24h" }],
    ["kind:opened bounced", { kind: "open", q: "bounced" }],
    ["   ", {}],
  ];
  for (const [text, filter] of table) expect(typed(text), text).toEqual(filter);
});

test("words replace the words before, and a condition the one of its name", () => {
  const filter = { kind: "open", q: "sophie", "not.tag": "a" };
  expect(withTyped(filter, parseQuery("tom.jones"))).toEqual({ kind: "open", q: "tom.jones", "not.tag": "a" });
  expect(withTyped({ tag: "a", "tag.prefix": "b", template: "c" }, parseQuery("tag:x*"))).toEqual({
    "tag.prefix": "x",
    template: "c",
  });
  expect(withTyped(filter, parseQuery("kind:click -tag:b"))).toEqual({ kind: "click", "not.tag": ["a", "b"] });
});

test("what makes no sense is named, with what may be meant", () => {
  const table: readonly (readonly [string, string, string | null])[] = [
    ["from:24h", "“from:” takes an address. Did you mean “since:”?", "since:24h"],
    ["to:2026-11-24", "“to:” takes an address. Did you mean “until:”?", "until:2026-11-24"],
    ["to:tom", "“to:” takes a whole address, such as ada@example.com.", "tom"],
    ["kind:foo", "“foo” is not one of the values.", null],
    ["reason:full", "“full” is not one of the values.", null],
    ["since:soon", "“since:” takes 90m, 24h, 7d or a date such as 2026-11-24.", null],
    ["since:2026-02-31", "“since:” takes 90m, 24h, 7d or a date such as 2026-11-24.", null],
    ["simulated:perhaps", "The value is yes or no.", null],
    ["colour:red", "There is no condition “colour”.", '"colour:red"'],
    ["constructor:x", "There is no condition “constructor”.", '"constructor:x"'],
    ["-subject:x", "“subject” cannot be excluded.", "subject:x"],
    ["tag:", "A value for “tag:” is missing.", null],
    ["tag:*x", "The end alone cannot be searched.", "tag:*x*"],
    ["-tag:x*", "A part of a value cannot be excluded.", null],
  ];
  for (const [text, problem, suggestion] of table) {
    expect(parseQuery(`${text} word`), text).toEqual({
      conditions: [],
      mistakes: [{ text, problem, suggestion }],
      words: "word",
    });
  }
});

test("a date is a day on the clocks of the chosen zone, and the end of a range includes it", () => {
  zone.value = "utc";
  expect(typed("since:2026-11-24 until:2026-11-24")).toEqual({
    from: "2026-11-24T00:00:00.000Z",
    to: "2026-11-25T00:00:00.000Z",
  });
  expect(typed('since:"2026-11-24 14:05"')).toEqual({ from: "2026-11-24T14:05:00.000Z" });
  zone.value = "local";
});

test("each word that the interface shows for a value finds that value", () => {
  for (const kind of KINDS) {
    expect(typed(labelOf("kind", kind)), kind).toEqual({ kind });
    expect(typed(`kind:"${labelOf("kind", kind)}"`), kind).toEqual({ kind });
  }
  for (const [code, { label }] of Object.entries(verdicts.reasons)) {
    expect(typed(label), code).toEqual({ reason_class: code });
    expect(typed(`reason:"${label}"`), code).toEqual({ reason_class: code });
  }
  for (const [code, label] of Object.entries(verdicts.actors)) {
    expect(typed(label), code).toEqual({ actor: code });
    expect(typed(`by:"${label}"`), code).toEqual({ actor: code });
  }
});

test("the text of a condition is read as the same condition", () => {
  const texts = [
    "vip",
    "a b",
    'q"uote',
    "back\\slash",
    "*star*",
    "x:y",
    "-x",
    "24h",
    "a@example.com",
    "@x",
    "kind:open",
    "a,b",
  ];
  for (const { name, value: type, excludable, parts } of FIELDS) {
    if (type === "time" || type === "yesNo") continue;
    const values = {
      kind: [...KINDS, "brand_new"],
      reason: Object.keys(verdicts.reasons),
      actor: Object.keys(verdicts.actors),
    };
    const all = type === "kind" || type === "reason" || type === "actor" ? values[type] : texts;
    const names = [
      name,
      ...(excludable ? [`not.${name}`] : []),
      ...(parts ? [`${name}.prefix`, `${name}.contains`] : []),
    ];
    for (const one of names) {
      expect(fieldOfParameter(one)?.name).toBe(name);
      for (const value of all) {
        const condition = { name: one, value };
        expect(conditionsOf(typed(textOf(condition)) as Record<string, string>), textOf(condition)).toEqual([
          [one, value],
        ]);
      }
    }
  }
  for (const words of [...texts.filter((text) => !/[\s"\\]/.test(text)), "opened", "mailbox full", "a b"])
    expect(typed(textOfWords(words)), words).toEqual({ q: words });
});
