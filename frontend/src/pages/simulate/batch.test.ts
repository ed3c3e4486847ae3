import { expect, test } from "vitest";
import type { MailEvent } from "../../api/types";
import { batchMatcher, formatBatch, parseBatch, toRequestBody } from "./batch";
import { signedCommand } from "./command";

test("a bare array is wrapped in `mandrill_events` and any other text is posted unchanged", () => {
  expect(toRequestBody(' [ {"a":1.0} ]')).toBe('{"mandrill_events": [ {"a":1.0} ]}');
  expect(toRequestBody('{"other":1}')).toBe('{"other":1}');
  expect(parseBatch(formatBatch([1, 2]))).toEqual([1, 2]);
  expect(parseBatch("[3]")).toEqual([3]);
  for (const text of ["{", "{}", '{"mandrill_events":7}', "null", "17"]) expect(parseBatch(text)).toBeNull();
});

test("an event belongs to a batch by message id, or by address if it has no id", () => {
  const belongsToBatch = batchMatcher([
    { event: "open", _id: "m1", msg: { _id: "m2", email: "ada@example.com" } },
    { event: "inbound", msg: { headers: { "Message-Id": "<m3@example.org>" } } },
    { type: "blacklist", action: "add", reject: { email: "gone@example.net" } },
    17,
    null,
  ]);
  const matches = (message_id: string | null, recipient: string | null, simulated = true): boolean =>
    belongsToBatch({ message_id, recipient, simulated } as MailEvent);
  for (const id of ["m1", "m2", "<m3@example.org>"]) expect(matches(id, null)).toBe(true);
  expect(matches(null, "gone@example.net")).toBe(true);
  expect(matches("m9", "ada@example.com")).toBe(false);
  expect(matches(null, null)).toBe(false);
  expect(matches("m1", null, false)).toBe(false);
});

test("text in a batch or URL cannot break out of the quoting of the command", () => {
  const command = signedCommand([{ subject: "it's\nEND\n$(date)" }], "https://mail.example.com/it's?a=1&b=2");
  expect(command).toContain("URL='https://mail.example.com/it'\\''s?a=1&b=2'");
  expect(command.match(/^END$/gm)).toHaveLength(1);
  expect(command.split("\n")[3]).toBe('[{"subject":"it\'s\\nEND\\n$(date)"}]');
});
