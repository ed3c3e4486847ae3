import { expect, test } from "vitest";
import type { MailEvent } from "../../api/types";
import { comesOf, elementsOf, posted, written } from "./batch";
import { signedCommand } from "./command";

test("an array alone is posted under its name, and anything else as it is written", () => {
  expect(posted(' [ {"a":1.0} ]')).toBe('{"mandrill_events": [ {"a":1.0} ]}');
  expect(posted('{"other":1}')).toBe('{"other":1}');
  expect(elementsOf(written([1, 2]))).toEqual([1, 2]);
  expect(elementsOf("[3]")).toEqual([3]);
  for (const text of ["{", "{}", '{"mandrill_events":7}', "null", "17"]) expect(elementsOf(text)).toBeNull();
});

test("an event is of a batch by its id, or by its address where it has none", () => {
  const isOurs = comesOf([
    { event: "open", _id: "m1", msg: { _id: "m2", email: "ada@example.com" } },
    { event: "inbound", msg: { headers: { "Message-Id": "<m3@example.org>" } } },
    { type: "blacklist", action: "add", reject: { email: "gone@example.net" } },
    17,
    null,
  ]);
  const came = (message_id: string | null, recipient: string | null, simulated = true): boolean =>
    isOurs({ message_id, recipient, simulated } as MailEvent);
  for (const id of ["m1", "m2", "<m3@example.org>"]) expect(came(id, null)).toBe(true);
  expect(came(null, "gone@example.net")).toBe(true);
  expect(came("m9", "ada@example.com")).toBe(false);
  expect(came(null, null)).toBe(false);
  expect(came("m1", null, false)).toBe(false);
});

test("whatever stands in a batch or an address, it ends no word of the command", () => {
  const command = signedCommand([{ subject: "it's\nEND\n$(date)" }], "https://mail.example.com/it's?a=1&b=2");
  expect(command).toContain("URL='https://mail.example.com/it'\\''s?a=1&b=2'");
  expect(command.match(/^END$/gm)).toHaveLength(1);
  expect(command.split("\n")[3]).toBe('[{"subject":"it\'s\\nEND\\n$(date)"}]');
});
