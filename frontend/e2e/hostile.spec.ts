import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { openPage } from "./pages";
import { deliver, event, expect, post, row, signIn, test } from "./support";

/** Known script injection payloads. `support.ts` also fails on any CSP violation they would cause. */
const CORPUS = [
  "<script>globalThis.pwned=1</script>",
  "<img src=x onerror=globalThis.pwned=1>",
  "<svg/onload=globalThis.pwned=1>",
  "\"><iframe srcdoc='<script>parent.pwned=1</script>'>",
  "'-globalThis.pwned=1-'",
  "{{constructor.constructor('globalThis.pwned=1')()}}",
  "${globalThis.pwned=1}",
  "</textarea></title></style><a href=javascript:pwned=1>x</a>",
  "\u202Egnp.exe",
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=pwned=1&gt;">',
];
const LINKS = [
  "javascript:globalThis.pwned=1",
  " jAvAsCrIpT:pwned=1",
  "data:text/html,<script>1</script>",
  "vbscript:x",
  "//evil.example/",
];

/** Expects that no payload created an element or an external link, or ran a script. */
async function expectTextOnly(page: Page): Promise<void> {
  const found = await page.evaluate(() => ({
    elements: document.querySelectorAll(
      "img, iframe, math, object, embed, #app script, #app style, [onerror], [onload], [srcdoc]",
    ).length,
    links: [...document.querySelectorAll("a[href]")]
      .map((link) => (link as HTMLAnchorElement).href)
      .filter((href) => !/^(https?|blob):/.test(href) || new URL(href).origin !== location.origin),
    pwned: "pwned" in globalThis,
  }));
  expect(found).toEqual({ elements: 0, links: [], pwned: false });
}

test("hostile event fields are shown as text on every page, and links run no script", async ({ page }) => {
  test.slow();
  const run = randomUUID().slice(0, 8);
  const hostile = CORPUS.map((attack, index) => {
    const [text, link] = [`${attack} ${run}`, LINKS[index % LINKS.length]];
    const msg = {
      subject: text,
      email: `${attack}${index}@example.com`,
      sender: text,
      tags: [text, attack],
      template: text,
      subaccount: text,
      metadata: { [attack]: text, link },
      diag: text,
      state: attack,
      opens: [{ ts: 1, ip: attack, ua: attack, location: attack }],
      clicks: [{ ts: 1, url: link }],
    };
    const kind = ["click", "open", "hard_bounce", "deferral", "inbound", `<b>${run}`][index % 6] ?? "send";
    const details = { url: link, ip: attack, user_agent: text, location: { city: text, country: attack } };
    return { ...event(kind, msg), ...details, user_agent_parsed: { ua_name: text, ua_url: link } };
  });
  // One message also has a hostile id, which is part of URLs.
  const id = `<img src=x onerror=pwned=1>/../?#${run}`;
  const named = { ...event("click", { subject: `Named ${run}`, _id: id }), _id: id, url: LINKS[0] };
  await deliver([...hostile, named]);
  await deliver(CORPUS.map((attack) => ({ [attack]: attack, run })));
  expect((await post("[]", LINKS[0])).status).toBe(401);

  await signIn(page, `/?q=${run}`);
  await expect(row(page, run)).toHaveCount(CORPUS.length + 1);
  await expect(
    page
      .getByRole("row")
      .filter({ hasText: `${CORPUS[1]} ${run}` })
      .first(),
  ).toBeVisible();
  await expectTextOnly(page);
  const events = (await (await page.request.get(`/api/events?q=${run}`)).json()) as {
    items: { id: number; message_id: string | null; recipient: string }[];
  };
  for (const { id: opened } of events.items) {
    await openPage(page, `/?q=${run}&event=${opened}`);
    await expect(page.getByRole("complementary", { name: "Event" })).toContainText(run);
    await expectTextOnly(page);
  }
  for (const { message_id: message, recipient } of events.items) {
    // A message without an id has no message page.
    if (message !== null) {
      await openPage(page, `/messages/${encodeURIComponent(message)}`);
      await expect(page.getByRole("main")).toContainText(run);
      await expectTextOnly(page);
    }
    await openPage(page, `/recipients/${encodeURIComponent(recipient)}`);
    await expectTextOnly(page);
  }
  for (const path of ["/notifications", "/stats", "/quarantine", "/quarantine?reason=no_kind", "/refusals"]) {
    await openPage(page, path);
    await expectTextOnly(page);
  }
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await expect(page.getByRole("complementary", { name: "Notifications" })).toBeVisible();
  await expectTextOnly(page);
  await openPage(page, "/quarantine?reason=no_kind");
  await page
    .getByRole("main")
    .getByRole("link", { name: /^Item / })
    .first()
    .click();
  await expect(page.getByRole("heading", { name: "Bytes as received" })).toBeVisible();
  await expectTextOnly(page);
});

test("hostile notifications, views, tokens, rules and URLs are shown as text", async ({ page }) => {
  const run = randomUUID().slice(0, 8);
  await signIn(page);
  const request = (path: string, body: unknown, method = "POST"): Promise<unknown> =>
    page.evaluate(
      ([url, json, verb]) =>
        fetch(`${url}`, {
          method: `${verb}`,
          headers: { "content-type": "application/json", "x-requested-with": "fetch" },
          body: `${json}`,
        }).then((answer) => answer.json()),
      [path, JSON.stringify(body), method],
    );
  for (const [index, attack] of CORPUS.slice(0, 5).entries()) {
    await request("/api/notifications", { to: "all", title: `${attack} ${run}`, body: attack });
    await request("/api/views", {
      name: `${attack.slice(0, 48)} ${run}`,
      query: `q=${encodeURIComponent(attack)}${index}`,
      shared: false,
    });
    await request("/api/tokens", { name: `${attack} ${run}`, scopes: ["read"] });
  }
  const rules = CORPUS.map((attack) => ({ kinds: ["open", attack], tag: attack, recipient: `${attack}@example.com` }));
  await request("/api/rules", { rules }, "PUT");
  await expect(page.getByRole("log")).toContainText(run);
  await expectTextOnly(page);
  for (const path of [
    "/notifications",
    "/notifications/rules",
    "/tokens",
    "/audit",
    "/?q=%3Cscript%3Epwned%3D1%3C%2Fscript%3E",
    "/recipients/%3Cimg%20src%3Dx%20onerror%3Dpwned%3D1%3E",
  ]) {
    await openPage(page, path);
    await expectTextOnly(page);
  }
  await page.goto("/notifications/rules");
  await expect(page.getByRole("list", { name: "Rules" }).getByRole("listitem")).toHaveCount(CORPUS.length);
  await expect(page.getByRole("list", { name: "Rules" })).toContainText(`tagged “${CORPUS[0]}” to ${CORPUS[0]}@`);
  await page
    .getByRole("button", { name: /^Change: / })
    .first()
    .click();
  await expect(page.getByLabel("Only with this tag")).toHaveValue(`${CORPUS[0]}`);
  await expectTextOnly(page);
  await page.keyboard.press("Escape");
  await page.evaluate(() =>
    fetch("/api/rules", { method: "DELETE", headers: { "x-requested-with": "fetch" } }).then(() => null),
  );
  await expect(page.getByRole("list", { name: "Saved" }).getByRole("link").filter({ hasText: run })).toHaveCount(5);
  for (const view of (
    (await (await page.request.get("/api/views")).json()) as { items: { id: number; name: string }[] }
  ).items)
    if (view.name.endsWith(run))
      await page.evaluate(
        (id) =>
          fetch(`/api/views/${id}`, { method: "DELETE", headers: { "x-requested-with": "fetch" } }).then(() => null),
        view.id,
      );
});
