/**
 * Sample batches: one for each event kind that Mandrill sends, and some edge cases. Every batch has new ids and times, so that
 * posting it stores new events.
 */

import type { Receipt } from "../../api/types";

export interface Template {
  /** The value of the `template` query parameter. */
  readonly id: string;
  readonly name: string;
  readonly group: (typeof GROUPS)[number];
  /** Builds the elements of a new batch. */
  readonly make: () => readonly unknown[];
  /** The server's response when the batch is posted once. */
  readonly receipt: Receipt;
}

export const GROUPS = ["Messages", "Mail received", "Lists", "SMS", "Odd ones"] as const;

type Fields = Readonly<Record<string, unknown>>;

const LARGE_BATCH_SIZE = 250;
const RECIPIENTS = ["ada@example.com", "bo@example.org", "cy@example.net", "dana@example.com"] as const;
const SUBJECTS = ["Your invoice 4711", "Welcome aboard", "Your parcel is on its way", "News of the month"] as const;

const nowInSeconds = (): number => Math.floor(Date.now() / 1000);
const newId = (): string => crypto.randomUUID().replaceAll("-", "");

/** The `msg` object that Mandrill includes in each event of a message. */
function msgObject(messageId: string, more: Fields = {}): Fields {
  return {
    _id: messageId,
    ts: nowInSeconds() - 600,
    state: "sent",
    email: RECIPIENTS[0],
    sender: "hello@shop.example.com",
    subject: SUBJECTS[0],
    tags: ["billing"],
    template: "invoice",
    subaccount: null,
    metadata: { customer: 1001, plan: "gold" },
    ...more,
  };
}

/** An event of the given message, or of a new one. */
function message(event: string, more: Fields = {}, msg: Fields = {}, messageId = newId()): Fields {
  return { event, ts: nowInSeconds(), _id: messageId, ...more, msg: msgObject(messageId, msg) };
}

/** The client and location fields of an open or click. */
const ENGAGEMENT: Fields = {
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

/** The current time in the format of denylist and allowlist events. */
function listTimestamp(): string {
  return new Date().toISOString().slice(0, 19).replace("T", " ");
}

function listChange(list: "blacklist" | "whitelist", action: string): Fields {
  // Uses a new address each time, because changes to the same address within a second are duplicates.
  const email = `gone-${newId().slice(0, 8)}@example.net`;
  const entry =
    list === "whitelist"
      ? { entry: { email, detail: "added by hand", created_at: listTimestamp() } }
      : {
          reject: {
            email,
            reason: "hard-bounce",
            detail: null,
            created_at: listTimestamp(),
            expired: action === "remove",
          },
        };
  return { type: list, action, ts: nowInSeconds(), ...entry };
}

function inbound(more: Fields = {}): Fields {
  return {
    event: "inbound",
    ts: nowInSeconds(),
    msg: {
      email: "help@in.example.com",
      from_email: "gus@example.org",
      from_name: "Gus",
      to: [["help@in.example.com", null]],
      subject: "Is it in stock?",
      text: "The blue one, I mean.",
      html: "<p>The blue one, I mean.</p>",
      headers: { "Message-Id": `<${newId()}@mail.example.org>`, Received: ["from a by b", "from b by c"] },
      spf: { result: "pass", detail: "" },
      dkim: { signed: true, valid: true },
      spam_report: { score: 0.3, matched_rules: [] },
      ...more,
    },
  };
}

function sms(kind: string): Fields {
  const _id = newId();
  return { event: `sms_${kind}`, ts: nowInSeconds(), _id, msg: { _id, subject: null, tags: ["sms"], metadata: [] } };
}

/** The events of one message, one minute apart. */
function messageLifecycle(): readonly Fields[] {
  const messageId = newId();
  const steps: readonly (readonly [string, Fields, Fields])[] = [
    ["send", {}, {}],
    ["deferral", {}, DEFERRED],
    ["delivered", ACCEPTED, {}],
    ["open", ENGAGEMENT, {}],
    ["click", { ...ENGAGEMENT, url: "https://shop.example.com/orders/4711" }, {}],
  ];
  return steps.map(([kind, more, msg], step) =>
    message(kind, { ...more, ts: nowInSeconds() - 60 * (steps.length - step) }, msg, messageId),
  );
}

function largeBatch(): readonly Fields[] {
  const kinds = ["send", "delivered", "open", "click", "soft_bounce"];
  return Array.from({ length: LARGE_BATCH_SIZE }, (_, n) => {
    const kind = kinds[n % kinds.length] ?? "send";
    const msg = { email: RECIPIENTS[n % RECIPIENTS.length], subject: SUBJECTS[n % SUBJECTS.length] };
    return message(kind, kind === "open" || kind === "click" ? ENGAGEMENT : {}, msg);
  });
}

function allStored(count: number): Receipt {
  return { received: count, stored: count, duplicates: 0, quarantined: 0 };
}

function single(name: string, group: Template["group"], key: string, make: () => unknown): Template {
  return { id: key, name, group, make: () => [make()], receipt: allStored(1) };
}

function smsTemplate(kind: string): Template {
  return single(`SMS ${kind}`, "SMS", `sms_${kind}`, () => sms(kind));
}

export const TEMPLATES: readonly Template[] = [
  single("Open", "Messages", "open", () => message("open", ENGAGEMENT)),
  single("Click", "Messages", "click", () =>
    message("click", { ...ENGAGEMENT, url: "https://shop.example.com/orders/4711" }),
  ),
  single("Send", "Messages", "send", () => message("send")),
  single("Deferral", "Messages", "deferral", () => message("deferral", {}, DEFERRED)),
  single("Delivered", "Messages", "delivered", () => message("delivered", ACCEPTED)),
  single("Hard bounce", "Messages", "hard_bounce", () =>
    message("hard_bounce", {}, bounced("bounced", "bad_mailbox", "550 5.1.1 No such mailbox here")),
  ),
  single("Soft bounce", "Messages", "soft_bounce", () =>
    message("soft_bounce", {}, bounced("soft-bounced", "mailbox_full", "552 5.2.2 Mailbox is full")),
  ),
  single("Spam complaint", "Messages", "spam", () => message("spam", {}, { state: "spam" })),
  single("Unsubscribe", "Messages", "unsub", () => message("unsub", {}, { state: "unsub" })),
  single("Reject", "Messages", "reject", () => message("reject", {}, { state: "rejected", reject: "hard-bounce" })),
  { id: "life", name: "A message's life", group: "Messages", make: messageLifecycle, receipt: allStored(5) },
  single("Inbound mail", "Mail received", "inbound", () => inbound()),
  single("Inbound mail with a file", "Mail received", "inbound_file", () =>
    inbound({ attachments: { "a.txt": { name: "a.txt", type: "text/plain", content: "Hello", base64: false } } }),
  ),
  ...(["add", "change", "remove"] as const).flatMap((action) => [
    single(`Denylist ${action}`, "Lists", `blacklist_${action}`, () => listChange("blacklist", action)),
    single(`Allowlist ${action}`, "Lists", `whitelist_${action}`, () => listChange("whitelist", action)),
  ]),
  ...["processing", "queued", "sent", "delivered", "canceled", "failed", "open", "click", "unsub"].map(smsTemplate),
  single("An unknown kind", "Odd ones", "unknown", () => message("postponed_by_owl")),
  single("An open of an old message", "Odd ones", "old_message", () => ({ ...message("open", ENGAGEMENT), msg: {} })),
  {
    id: "broken",
    name: "A broken element",
    group: "Odd ones",
    make: () => [message("send"), { order: newId() }],
    receipt: { received: 2, stored: 1, duplicates: 0, quarantined: 1 },
  },
  {
    id: "twice",
    name: "The same event twice",
    group: "Odd ones",
    make: () => {
      const same = message("open", ENGAGEMENT);
      return [same, same];
    },
    receipt: { received: 2, stored: 1, duplicates: 1, quarantined: 0 },
  },
  {
    id: "many",
    name: `A batch of ${LARGE_BATCH_SIZE}`,
    group: "Odd ones",
    make: largeBatch,
    receipt: allStored(LARGE_BATCH_SIZE),
  },
  { id: "empty", name: "An empty batch", group: "Odd ones", make: () => [], receipt: allStored(0) },
];
