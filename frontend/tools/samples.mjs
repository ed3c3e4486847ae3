// Sample messages and events for screenshots.
import { createHmac, randomUUID } from "node:crypto";

const { BASE_URL, WEBHOOK_URL, WEBHOOK_KEY } = process.env;

const RECIPIENTS = ["ada@example.com", "bo@example.org", "cy@example.net", "dana@example.com", "eli@example.org"];
const MESSAGES = [
  ["Your invoice 4711", "billing", "invoice"],
  ["Welcome aboard", "welcome", "welcome"],
  ["Your parcel is on its way", "shipping", "parcel"],
  ["Password reset", "security", "reset"],
  ["News of November", "newsletter", "news"],
];
const OPEN_DETAILS = {
  ip: "198.51.100.7",
  user_agent:
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
  location: {
    country_short: "ES",
    country: "Spain",
    region: "Madrid",
    city: "Madrid",
    latitude: 40.4,
    longitude: -3.7,
  },
};
/** Event sequences of messages, as kind and age in seconds. */
const SEQUENCES = [
  [
    ["send", 80],
    ["delivered", 74],
    ["open", 30],
    ["click", 12],
  ],
  [
    ["send", 70],
    ["delivered", 64],
  ],
  [
    ["send", 66],
    ["deferral", 60],
    ["delivered", 21],
    ["open", 4],
  ],
  [
    ["send", 58],
    ["delivered", 50],
    ["open", 9],
  ],
  [
    ["send", 50],
    ["hard_bounce", 48],
  ],
  [
    ["send", 44],
    ["delivered", 41],
    ["open", 16],
    ["open", 6],
    ["click", 5],
  ],
  [
    ["send", 40],
    ["soft_bounce", 38],
  ],
  [
    ["send", 30],
    ["delivered", 26],
    ["spam", 8],
  ],
  [["reject", 20]],
];
/** SMTP responses by kind. */
const DIAGNOSTICS = {
  delivered: "250 2.0.0 OK",
  deferral: "451 4.3.0 Mailbox busy, try again later",
  hard_bounce: "smtp;550 5.1.1 Mailbox does not exist",
  soft_bounce: "smtp;552 5.2.2 Over quota",
};

/** Posts the value of `mandrill_events`, signed for the URL `signedFor`. */
export async function post(value, signedFor = WEBHOOK_URL) {
  const signature = createHmac("sha1", WEBHOOK_KEY).update(`${signedFor}mandrill_events${value}`).digest("base64");
  await fetch(`${BASE_URL}/webhook/`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "x-mandrill-signature": signature },
    body: new URLSearchParams({ mandrill_events: value }).toString(),
  });
}

/** Creates the events of the `nth` message, which was sent `age` seconds ago. */
export function messageEvents(nth, email = RECIPIENTS[nth % RECIPIENTS.length], age = 0) {
  const id = randomUUID().replaceAll("-", "");
  const now = Math.floor(Date.now() / 1000) - age;
  const [subject, tag, template] = MESSAGES[(nth * 3) % MESSAGES.length];
  return SEQUENCES[nth % SEQUENCES.length].map(([event, ago]) => ({
    event,
    ts: now - ago,
    _id: id,
    ...(event === "open" || event === "click" ? OPEN_DETAILS : {}),
    ...(event === "click" ? { url: "https://shop.example.com/orders/4711" } : {}),
    msg: {
      _id: id,
      ts: now - 90,
      email,
      sender: "hello@shop.example.com",
      subject,
      tags: [tag],
      template,
      metadata: { customer: 1000 + nth },
      ...(DIAGNOSTICS[event] ? { diag: DIAGNOSTICS[event] } : {}),
    },
  }));
}

/** Posts messages for `seconds` at a varying rate, so that the charts are not flat. */
export async function postSamples(seconds) {
  const end = Date.now() + seconds * 1000;
  for (let nth = 0; Date.now() < end; nth++) {
    const count = 1 + Math.round(3 + 3 * Math.sin(nth / 5) + (nth % 3));
    await post(JSON.stringify(Array.from({ length: count }, (_, index) => messageEvents(nth * 7 + index)).flat()));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  }
}

/** Posts the mail of the last day, with its busy and its quiet hours. */
export async function postDay() {
  let nth = 0;
  for (let quarter = 0; quarter < 96; quarter++) {
    const count = 1 + Math.round(3 + 3 * Math.sin(quarter / 9) + (quarter % 3));
    const events = Array.from({ length: count }, () => messageEvents(nth++, undefined, quarter * 900));
    await post(JSON.stringify(events.flat()));
  }
}
