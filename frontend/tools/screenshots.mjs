// Pictures of every page, empty, full and failing, light and dark, wide and narrow, into the folder named as argument; with
// `readme` after it, those of the README alone:
//   target/debug/stack with node frontend/tools/screenshots.mjs FOLDER [readme]
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { post, spread, story } from "./samples.mjs";

const { BASE_URL, WEBHOOK_URL, WEBHOOK_KEY, ADMIN_EMAIL, ADMIN_PASSWORD, CHROMIUM } = process.env;
const [folder = "screenshots", only] = process.argv.slice(2);
const ingest = new URL("../../target/debug/ingest", import.meta.url).pathname;
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({ ...(CHROMIUM ? { executablePath: CHROMIUM } : {}), args: ["--no-sandbox"] });
const live = (page) => page.getByText("Live", { exact: true }).waitFor();

/** A browser of that look; a narrow one is a phone, whose scrollbars take no room. */
async function openAs(colorScheme, width, scale = 1) {
  const viewport = { width, height: width < 500 ? 844 : 800 };
  const phone = width < 500 ? { isMobile: true, hasTouch: true } : {};
  const context = await browser.newContext({
    baseURL: BASE_URL,
    colorScheme,
    viewport,
    deviceScaleFactor: scale,
    ...phone,
  });
  return { context, page: await context.newPage() };
}

async function signIn(page) {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(ADMIN_EMAIL);
  await page.getByLabel("Password").fill(ADMIN_PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await live(page);
}

/** Asks the API for something as the one who is signed in. */
async function ask(page, method, path, data) {
  const answer = await page.request.fetch(path, { method, data, headers: { "x-requested-with": "fetch" } });
  return answer.status() === 204 ? null : answer.json();
}

async function goTo(page, path) {
  await page.goto(path);
  await live(page);
  await page.getByText(/\d online/).waitFor({ state: "attached" });
  await page.waitForLoadState("networkidle");
}

/** Takes a picture of each page, then of what `more` does. */
async function shoot(state, pages, more = () => {}, prepare = () => {}) {
  for (const colorScheme of ["light", "dark"])
    for (const width of [1280, 390]) {
      const { context, page } = await openAs(colorScheme, width);
      const picture = (name) => page.screenshot({ path: join(folder, `${name}-${state}-${colorScheme}-${width}.png`) });
      await signIn(page);
      await prepare(page);
      for (const [name, path] of pages) {
        await goTo(page, path);
        await picture(name);
      }
      await more(page, picture);
      await context.close();
    }
}

/** Pages for those who are not signed in. */
async function shootOutside(invitation) {
  for (const colorScheme of ["light", "dark"])
    for (const width of [1280, 390]) {
      const { context, page } = await openAs(colorScheme, width);
      const picture = (name, state) =>
        page.screenshot({ path: join(folder, `${name}-${state}-${colorScheme}-${width}.png`) });
      await page.goto("/sign-in");
      await page.getByLabel("E-mail").fill("ada@example.com");
      await picture("sign-in", "data");
      await page.getByLabel("Password").fill("wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
      await picture("sign-in", "error");
      await page.goto(`/invitation#${invitation}`);
      await page.getByLabel("Password", { exact: true }).waitFor();
      await picture("invitation", "data");
      await page.goto("/invitation");
      await page.reload();
      await page.getByRole("alert").waitFor();
      await picture("invitation", "error");
      await context.close();
    }
}

/** What opens on the pages. */
async function steps(page, picture) {
  await goTo(page, "/");
  spawnSync(ingest, ["simulate", "--to", `${BASE_URL}/webhook/`], {
    env: { WEBHOOK_KEYS: WEBHOOK_KEY, WEBHOOK_URLS: WEBHOOK_URL },
  });
  await page.getByRole("log").getByText("opened").first().waitFor();
  await picture("live");
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await page.getByRole("complementary").waitFor();
  await picture("panel");
  await page.getByRole("complementary").getByRole("button", { name: "Test" }).click();
  await page.getByRole("dialog").waitFor();
  await picture("test");
  await goTo(page, "/?kind=open");
  await page.getByRole("button", { name: "Bounces" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: /^Save this view/ }).click();
  await page.getByLabel("Name").waitFor();
  await picture("save-view");
  await goTo(page, "/?kind=hard_bounce%2Csoft_bounce");
  await page.getByRole("region", { name: "Saved view" }).getByRole("button").click();
  await page.getByRole("button", { name: "Edit view…" }).waitFor();
  await picture("view-menu");
  await goTo(page, "/notifications/rules");
  await page.getByRole("button", { name: /^Change: Hard/ }).click();
  await picture("rule");
  await goTo(page, "/");
  await page.getByRole("button", { name: /Your account/ }).click();
  await picture("user-menu");
  await page.getByRole("button", { name: "Show the keyboard shortcuts" }).click();
  await picture("keys");
  await goTo(page, "/quarantine?reason=no_kind");
  await page
    .getByRole("link", { name: /^Item / })
    .first()
    .click();
  await page.getByRole("heading", { name: "Bytes as received" }).waitFor();
  await picture("item");
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: /^Retry all/ }).click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Retry/ })
    .click();
  await page.getByRole("list", { name: "Results" }).waitFor();
  await picture("retry");
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: /^Discard all/ }).click();
  await page.getByLabel("Why").waitFor();
  await picture("discard");
}

/** Something of everything; gives a link's secret for somebody who is invited. */
async function fill(page) {
  await ask(page, "PUT", "/api/rules", {
    rules: [
      { kinds: ["hard_bounce", "spam"], tag: "welcome", recipient: null },
      { kinds: ["open"], tag: null, recipient: "ada@example.com" },
      { kinds: ["reject", "soft_bounce", "deferral"], tag: null, recipient: null },
    ],
  });
  await ask(page, "POST", "/api/views", { name: "Bounces", query: "kind=hard_bounce%2Csoft_bounce", shared: true });
  await ask(page, "POST", "/api/views", { name: "Opens of VIPs", query: "kind=open&tag=vip", shared: false });
  const { invitation, user } = await ask(page, "POST", "/api/users", { email: "bo@example.org", role: "viewer" });
  await ask(page, "PATCH", `/api/users/${user.id}`, { role: "admin" });
  const gone = await ask(page, "POST", "/api/users", { email: "cy@example.net", role: "viewer" });
  await ask(page, "PATCH", `/api/users/${gone.user.id}`, { disabled: true });
  await ask(page, "POST", "/api/tokens", { name: "Nightly export", scopes: ["read"] });
  await ask(page, "POST", "/api/tokens", { name: "Staging", scopes: ["read", "simulate"] });
  await post(JSON.stringify(story(0, "gone@example.com")));
  await ask(page, "POST", "/api/recipients/gone%40example.com/erase", { confirm: "gone@example.com" });
  for (const to of ["all", "role:admin"])
    await ask(page, "POST", "/api/notifications", {
      to,
      title: "Spam complaints are up since noon",
      body: "The newsletter of November is halted until we know why.",
    });
  for (let n = 0; n < 12; n++) {
    await post(JSON.stringify([n, { order: `A thing that is no event ${n}` }]));
    await post(`not JSON ${n}`);
    await post("[]", n % 2 ? "elsewhere" : WEBHOOK_URL.replace(/\/$/, ""));
  }
  await fetch(`${BASE_URL}/webhook/`, { method: "POST" });
  return invitation.token;
}

/** The newest event of a kind. */
async function newest(page, kind) {
  const { items } = await ask(page, "GET", `/api/events?kind=${kind}&limit=1`);
  return items[0];
}

const pages = [
  ["events", "/"],
  ["notifications", "/notifications"],
  ["rules", "/notifications/rules"],
  ["recipient", "/recipients/ada%40example.com"],
  ["stats", "/stats?range=24h"],
  ["quarantine", "/quarantine"],
  ["refusals", "/refusals"],
  ["system", "/system"],
  ["users", "/users"],
  ["user", "/users?user=1"],
  ["tokens", "/tokens"],
  ["audit", "/audit"],
  ["account", "/account"],
  ["simulate", "/simulate"],
];

async function everything() {
  await shoot("empty", [...pages, ["no-match", "/?kind=open"], ["not-found", "/nowhere"]], undefined, (page) =>
    ask(page, "PUT", "/api/rules", { rules: [] }),
  );
  const { context, page } = await openAs("light", 1280);
  await signIn(page);
  const invitation = await fill(page);
  await spread(40);
  const [click, bounce] = [await newest(page, "click"), await newest(page, "hard_bounce")];
  await context.close();
  const about = [
    ["drawer", `/?event=${click.id}`],
    ["message", `/messages/${click.message_id}`],
    ["bounced", `/messages/${bounce.message_id}`],
    ["filtered", "/?kind=open%2Cclick&not.tag=billing&from=15m"],
  ];
  await shoot("data", [...pages, ...about], steps);
  await shootOutside(invitation);
  await shoot("error", [...pages, ...about], undefined, (failing) =>
    failing.route(/\/api\/(?!session$)/, (route) =>
      route.fulfill({
        status: 503,
        contentType: "application/problem+json",
        json: { code: "unavailable", detail: "The database cannot be reached at the moment." },
      }),
    ),
  );
}

/** The pictures of the README. */
async function readme() {
  const first = await openAs("light", 1280);
  await signIn(first.page);
  await fill(first.page);
  await spread(110);
  const shot = async (name, colorScheme, width, path, ready = () => {}) => {
    const { context, page } = await openAs(colorScheme, width, width < 500 ? 1.5 : 1);
    await signIn(page);
    await goTo(page, path);
    await ready(page);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await context.close();
  };
  const click = await newest(first.page, "click");
  await shot("message-light", "light", 1280, `/messages/${click.message_id}`);
  await shot("quarantine-light", "light", 1280, "/quarantine");
  await shot("events-light", "light", 1280, "/?from=3m", async (page) => {
    await post(JSON.stringify(story(0)));
    await page.getByRole("log").getByText("opened").first().waitFor();
  });
  await shot("notifications-dark-phone", "dark", 390, "/notifications");
  await first.context.close();
}

await (only === "readme" ? readme() : everything());
await browser.close();
