import { expect, test } from "vitest";
import type { MailEvent } from "../../api/types";
import { ExactNumber } from "../../api/json";
import { factsOf } from "./facts";

const event = {
  id: 1,
  kind: "open",
  occurred_at: "2026-11-24T10:00:00Z",
  received_at: "2026-11-24T10:00:01Z",
  recipient: "ada@example.com",
  tags: ["vip", "new"],
  metadata: {
    plan: "free",
    many: [1, new ExactNumber("0.10")],
    no: null,
    order: new ExactNumber("12345678901234567890"),
  },
  city: "Madrid",
  country: null,
  simulated: false,
} as unknown as MailEvent;

test("empty facts are omitted and filterable facts have their filter name", () => {
  const facts = factsOf(event).map(({ title, text, name }) => `${title} ${name} ${text}`);
  expect(facts.filter((fact) => !/^(Happened|Stored here)/.test(fact))).toEqual([
    "To recipient ada@example.com",
    "Tag tag vip",
    "Tag tag new",
    "Place  Madrid",
    "plan metadata.plan free",
    "many  [1,0.10]",
    "no  null",
    "order metadata.order 12345678901234567890",
  ]);
});
