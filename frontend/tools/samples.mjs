// Made-up mail for pictures: letters to a few people, and what became of each.
import { createHmac, randomUUID } from "node:crypto";

const { BASE_URL, WEBHOOK_URL, WEBHOOK_KEY } = process.env;

const PEOPLE = ["ada@example.com", "bo@example.org", "cy@example.net", "dana@example.com", "eli@example.org"];
const LETTERS = [
  ["Your invoice 4711", "billing", "invoice"],
  ["Welcome aboard", "welcome", "welcome"],
  ["Your parcel is on its way", "shipping", "parcel"],
  ["Password reset", "security", "reset"],
  ["News of November", "newsletter", "news"],
];
const SEEN = {
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
/** What becomes of letters, in turn; with how many seconds ago. */
const STORIES = [
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
const SAYS = {
  delivered: "250 2.0.0 OK",
  deferral: "451 4.3.0 Mailbox busy, try again later",
  hard_bounce: "smtp;550 5.1.1 Mailbox does not exist",
  soft_bounce: "smtp;552 5.2.2 Over quota",
};

/** Posts the value of `mandrill_events`, signed for this address. */
export async function post(value, signedFor = WEBHOOK_URL) {
  const signature = createHmac("sha1", WEBHOOK_KEY).update(`${signedFor}mandrill_events${value}`).digest("base64");
  await fetch(`${BASE_URL}/webhook/`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "x-mandrill-signature": signature },
    body: new URLSearchParams({ mandrill_events: value }).toString(),
  });
}

/** The events of one letter, the `nth`. */
export function story(nth, email = PEOPLE[nth % PEOPLE.length]) {
  const id = randomUUID().replaceAll("-", "");
  const now = Math.floor(Date.now() / 1000);
  const [subject, tag, template] = LETTERS[(nth * 3) % LETTERS.length];
  return STORIES[nth % STORIES.length].map(([event, ago]) => ({
    event,
    ts: now - ago,
    _id: id,
    ...(event === "open" || event === "click" ? SEEN : {}),
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
      ...(SAYS[event] ? { diag: SAYS[event] } : {}),
    },
  }));
}

/** Posts letters over `seconds`, some moments busier than others, so that a chart has a shape. */
export async function spread(seconds) {
  const end = Date.now() + seconds * 1000;
  for (let nth = 0; Date.now() < end; nth++) {
    const busy = 1 + Math.round(3 + 3 * Math.sin(nth / 5) + (nth % 3));
    await post(JSON.stringify(Array.from({ length: busy }, (_, at) => story(nth * 7 + at)).flat()));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  }
}
