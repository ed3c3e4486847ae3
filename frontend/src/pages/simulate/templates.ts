/**
 * Made-up batches to start from: one for each kind that Mandrill knows, and what goes wrong. Every batch is made with ids and times
 * of its own, so that posting it stores new events.
 */

import type { Receipt } from "../../api/types";

export interface Template {
  /** In addresses. */
  readonly id: string;
  readonly name: string;
  readonly group: (typeof GROUPS)[number];
  /** The elements of a new batch. */
  readonly make: () => readonly unknown[];
  /** What the server makes of it when it is posted once. */
  readonly gives: Receipt;
}

export const GROUPS = ["Messages", "Mail received", "Lists", "SMS", "Odd ones"] as const;

type Fields = Readonly<Record<string, unknown>>;

const MANY = 250;
const PEOPLE = ["ada@example.com", "bo@example.org", "cy@example.net", "dana@example.com"] as const;
const SUBJECTS = ["Your invoice 4711", "Welcome aboard", "Your parcel is on its way", "News of the month"] as const;

const seconds = (): number => Math.floor(Date.now() / 1000);
const id = (): string => crypto.randomUUID().replaceAll("-", "");

/** A letter as Mandrill describes it beside each of its events. */
function letter(of: string, more: Fields = {}): Fields {
  return {
    _id: of,
    ts: seconds() - 600,
    state: "sent",
    email: PEOPLE[0],
    sender: "hello@shop.example.com",
    subject: SUBJECTS[0],
    tags: ["billing"],
    template: "invoice",
    subaccount: null,
    metadata: { customer: 1001, plan: "gold" },
    ...more,
  };
}

/** What became of a message: of a new one, unless it is named. */
function message(event: string, more: Fields = {}, msg: Fields = {}, of = id()): Fields {
  return { event, ts: seconds(), _id: of, ...more, msg: letter(of, msg) };
}

/** By whom and where something was opened. */
const SEEN: Fields = {
  ip: "198.51.100.7",
  user_agent:
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
  location: {
    country_short: "ES",
    country: "Spain",
    region: "Madrid",
    city: "Madrid",
    latitude: 40.4,
    longitude: -3.7,
  },
};
const DEFERRED: Fields = { state: "deferred", diag: "451 4.7.1 Greylisted, try again later" };
const ACCEPTED: Fields = { diag: "250 2.0.0 OK: queued" };

function bounced(state: string, description: string, diag: string): Fields {
  return { state, bounce_description: description, diag };
}

/** The time in the form that changes of lists have. */
function stamp(): string {
  return new Date().toISOString().slice(0, 19).replace("T", " ");
}

function listed(list: "blacklist" | "whitelist", action: string): Fields {
  // The same address and second would be the same change.
  const email = `gone-${id().slice(0, 8)}@example.net`;
  const entry =
    list === "whitelist"
      ? { entry: { email, detail: "added by hand", created_at: stamp() } }
      : { reject: { email, reason: "hard-bounce", detail: null, created_at: stamp(), expired: action === "remove" } };
  return { type: list, action, ts: seconds(), ...entry };
}

function inbound(more: Fields = {}): Fields {
  return {
    event: "inbound",
    ts: seconds(),
    msg: {
      email: "help@in.example.com",
      from_email: "gus@example.org",
      from_name: "Gus",
      to: [["help@in.example.com", null]],
      subject: "Is it in stock?",
      text: "The blue one, I mean.",
      html: "<p>The blue one, I mean.</p>",
      headers: { "Message-Id": `<${id()}@mail.example.org>`, Received: ["from a by b", "from b by c"] },
      spf: { result: "pass", detail: "" },
      dkim: { signed: true, valid: true },
      spam_report: { score: 0.3, matched_rules: [] },
      ...more,
    },
  };
}

function sms(kind: string): Fields {
  const of = id();
  return { event: `sms_${kind}`, ts: seconds(), _id: of, msg: { _id: of, subject: null, tags: ["sms"], metadata: [] } };
}

/** A message's events, a little apart. */
function life(): readonly Fields[] {
  const of = id();
  const steps: readonly (readonly [string, Fields, Fields])[] = [
    ["send", {}, {}],
    ["deferral", {}, DEFERRED],
    ["delivered", ACCEPTED, {}],
    ["open", SEEN, {}],
    ["click", { ...SEEN, url: "https://shop.example.com/orders/4711" }, {}],
  ];
  return steps.map(([kind, more, msg], step) =>
    message(kind, { ...more, ts: seconds() - 60 * (steps.length - step) }, msg, of),
  );
}

function many(): readonly Fields[] {
  const kinds = ["send", "delivered", "open", "click", "soft_bounce"];
  return Array.from({ length: MANY }, (_, place) => {
    const kind = kinds[place % kinds.length] ?? "send";
    const msg = { email: PEOPLE[place % PEOPLE.length], subject: SUBJECTS[place % SUBJECTS.length] };
    return message(kind, kind === "open" || kind === "click" ? SEEN : {}, msg);
  });
}

function stored(count: number): Receipt {
  return { received: count, stored: count, duplicates: 0, quarantined: 0 };
}

function one(name: string, group: Template["group"], key: string, make: () => unknown): Template {
  return { id: key, name, group, make: () => [make()], gives: stored(1) };
}

/** `sms_queued` as `SMS queued`. */
function smsOf(kind: string): Template {
  return one(`SMS ${kind}`, "SMS", `sms_${kind}`, () => sms(kind));
}

export const TEMPLATES: readonly Template[] = [
  one("Open", "Messages", "open", () => message("open", SEEN)),
  one("Click", "Messages", "click", () => message("click", { ...SEEN, url: "https://shop.example.com/orders/4711" })),
  one("Send", "Messages", "send", () => message("send")),
  one("Deferral", "Messages", "deferral", () => message("deferral", {}, DEFERRED)),
  one("Delivered", "Messages", "delivered", () => message("delivered", ACCEPTED)),
  one("Hard bounce", "Messages", "hard_bounce", () =>
    message("hard_bounce", {}, bounced("bounced", "bad_mailbox", "550 5.1.1 No such mailbox here")),
  ),
  one("Soft bounce", "Messages", "soft_bounce", () =>
    message("soft_bounce", {}, bounced("soft-bounced", "mailbox_full", "552 5.2.2 Mailbox is full")),
  ),
  one("Spam complaint", "Messages", "spam", () => message("spam", {}, { state: "spam" })),
  one("Unsubscribe", "Messages", "unsub", () => message("unsub", {}, { state: "unsub" })),
  one("Reject", "Messages", "reject", () => message("reject", {}, { state: "rejected", reject: "hard-bounce" })),
  { id: "life", name: "A message's life", group: "Messages", make: life, gives: stored(5) },
  one("Inbound mail", "Mail received", "inbound", () => inbound()),
  one("Inbound mail with a file", "Mail received", "inbound_file", () =>
    inbound({ attachments: { "a.txt": { name: "a.txt", type: "text/plain", content: "Hello", base64: false } } }),
  ),
  ...(["add", "change", "remove"] as const).flatMap((action) => [
    one(`Denylist ${action}`, "Lists", `blacklist_${action}`, () => listed("blacklist", action)),
    one(`Allowlist ${action}`, "Lists", `whitelist_${action}`, () => listed("whitelist", action)),
  ]),
  ...["processing", "queued", "sent", "delivered", "canceled", "failed", "open", "click", "unsub"].map(smsOf),
  one("An unknown kind", "Odd ones", "unknown", () => message("postponed_by_owl")),
  one("An open of an old message", "Odd ones", "old_message", () => ({ ...message("open", SEEN), msg: {} })),
  {
    id: "broken",
    name: "A broken element",
    group: "Odd ones",
    make: () => [message("send"), { order: id() }],
    gives: { received: 2, stored: 1, duplicates: 0, quarantined: 1 },
  },
  {
    id: "twice",
    name: "The same event twice",
    group: "Odd ones",
    make: () => {
      const same = message("open", SEEN);
      return [same, same];
    },
    gives: { received: 2, stored: 1, duplicates: 1, quarantined: 0 },
  },
  { id: "many", name: `A batch of ${MANY}`, group: "Odd ones", make: many, gives: stored(MANY) },
  { id: "empty", name: "An empty batch", group: "Odd ones", make: () => [], gives: stored(0) },
];
