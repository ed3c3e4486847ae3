/** Made-up batches to start from, as Mandrill would send them. */

const now = (): number => Math.floor(Date.now() / 1000);
const id = (): string => crypto.randomUUID().replaceAll("-", "");

function message(event: string, more: Record<string, unknown> = {}, msg: Record<string, unknown> = {}): unknown {
  const message = id();
  return {
    event,
    ts: now(),
    _id: message,
    ...more,
    msg: {
      _id: message,
      ts: now() - 60,
      email: "ada@example.com",
      sender: "hello@shop.example.com",
      subject: "Your invoice 4711",
      tags: ["billing"],
      metadata: { customer: 1001 },
      state: "sent",
      ...msg,
    },
  };
}

const seen = {
  ip: "198.51.100.7",
  user_agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
  location: { country_short: "ES", country: "Spain", city: "Madrid" },
};

export const samples: readonly { readonly name: string; readonly make: () => readonly unknown[] }[] = [
  { name: "Open", make: () => [message("open", seen)] },
  { name: "Click", make: () => [message("click", { ...seen, url: "https://shop.example.com/orders/4711" })] },
  {
    name: "Hard bounce",
    make: () => [
      message(
        "hard_bounce",
        {},
        { state: "bounced", bounce_description: "bad_mailbox", diag: "550 5.1.1 No such mailbox" },
      ),
    ],
  },
  {
    name: "A message's life",
    make: () => [message("send"), message("delivered", { diag: "250 2.0.0 OK" }), message("open", seen)],
  },
  {
    name: "Denylist change",
    make: () => [
      { type: "blacklist", action: "add", ts: now(), reject: { email: "gone@example.net", reason: "hard-bounce" } },
    ],
  },
  {
    name: "Inbound mail",
    make: () => [
      {
        event: "inbound",
        ts: now(),
        msg: {
          email: "help@in.example.com",
          from_email: "gus@example.org",
          subject: "A question",
          text: "Is it in stock?",
          headers: { "Message-Id": `<${id()}@mail.example.org>` },
        },
      },
    ],
  },
];
