// Takes screenshots of every page: empty, with data and failing, in both themes and three widths. The first argument is the output
// folder. With `readme` as second argument, takes only the screenshots of README.md and docs/dashboard.md:
//   target/debug/stack with node frontend/tools/screenshots.mjs FOLDER [readme]
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { messageEvents, post, postDay, postSamples } from "./samples.mjs";

const { BASE_URL, WEBHOOK_URL, WEBHOOK_KEY, ADMIN_EMAIL, ADMIN_PASSWORD, CHROMIUM } = process.env;
const [folder = "screenshots", only] = process.argv.slice(2);
const ingest = process.env.INGEST;
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({ ...(CHROMIUM ? { executablePath: CHROMIUM } : {}), args: ["--no-sandbox"] });
const waitForLive = (page) => page.getByText("Live", { exact: true }).waitFor();

/** Opens a page with this theme and width. Narrow pages emulate a phone, whose scrollbars take no space. */
async function openPage(colorScheme, width, scale = 1) {
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
  await waitForLive(page);
}

/** Sends an API request as the signed-in user. */
async function request(page, method, path, data) {
  const response = await page.request.fetch(path, { method, data, headers: { "x-requested-with": "fetch" } });
  return response.status() === 204 ? null : response.json();
}

async function goTo(page, path) {
  await page.goto(path);
  await waitForLive(page);
  await page.getByText(/\d online/).waitFor({ state: "attached" });
  await page.waitForLoadState("networkidle");
}

/** Takes a screenshot of each page, then runs `more` for further ones. */
async function capturePages(state, pages, more = () => {}, prepare = () => {}) {
  for (const colorScheme of ["light", "dark"])
    for (const width of [1440, 1280, 390]) {
      const { context, page } = await openPage(colorScheme, width);
      const screenshot = (name) =>
        page.screenshot({ path: join(folder, `${name}-${state}-${colorScheme}-${width}.png`) });
      await signIn(page);
      await prepare(page);
      for (const [name, path] of pages) {
        await goTo(page, path);
        await screenshot(name);
      }
      await more(page, screenshot);
      await context.close();
    }
}

/** Takes screenshots of the pages that need no sign-in. */
async function captureSignedOut(invitation) {
  for (const colorScheme of ["light", "dark"])
    for (const width of [1280, 390]) {
      const { context, page } = await openPage(colorScheme, width);
      const screenshot = (name, state) =>
        page.screenshot({ path: join(folder, `${name}-${state}-${colorScheme}-${width}.png`) });
      await page.goto("/sign-in");
      await page.getByLabel("E-mail").fill("ada@example.com");
      await screenshot("sign-in", "data");
      await page.getByLabel("Password").fill("wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
      await screenshot("sign-in", "error");
      await page.goto(`/invitation#${invitation}`);
      await page.getByLabel("Password", { exact: true }).waitFor();
      await screenshot("invitation", "data");
      await page.goto("/invitation");
      await page.reload();
      await page.getByRole("alert").waitFor();
      await screenshot("invitation", "error");
      await context.close();
    }
}

/** On a phone, what chooses events stands in a sheet. */
async function showFilters(page) {
  if (page.viewportSize().width < 768) await page.getByRole("button", { name: "Filters" }).click();
}

/** Takes screenshots of dialogs, panels and menus. */
async function captureDialogs(page, screenshot) {
  await goTo(page, "/");
  spawnSync(ingest, ["simulate", "--to", `${BASE_URL}/webhook/`], {
    env: { WEBHOOK_KEYS: WEBHOOK_KEY, WEBHOOK_URLS: WEBHOOK_URL },
  });
  await page.getByRole("log").getByText("opened").first().waitFor();
  await screenshot("live");
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await page.getByRole("complementary").waitFor();
  await screenshot("panel");
  await page.getByRole("complementary").getByRole("button", { name: "Test" }).click();
  await page.getByRole("dialog").waitFor();
  await screenshot("test");
  await goTo(page, "/?kind=open");
  await page.getByRole("button", { name: "Bounces" }).waitFor({ state: "detached" });
  await showFilters(page);
  await page.getByRole("button", { name: /^Save this view/ }).click();
  await page.getByLabel("Name").waitFor();
  await screenshot("save-view");
  await goTo(page, "/?kind=hard_bounce%2Csoft_bounce");
  await showFilters(page);
  await page.getByRole("region", { name: "Saved view" }).getByRole("button").click();
  await page.getByRole("button", { name: "Edit view…" }).waitFor();
  await screenshot("view-menu");
  await goTo(page, "/notifications/rules");
  await page.getByRole("button", { name: /^Change: Hard/ }).click();
  await screenshot("rule");
  await goTo(page, "/");
  await page.getByRole("button", { name: /Your account/ }).click();
  await screenshot("user-menu");
  await page.getByRole("button", { name: "Show the keyboard shortcuts" }).click();
  await screenshot("keys");
  await goTo(page, "/quarantine?reason=no_kind");
  await page
    .getByRole("link", { name: /^Item / })
    .first()
    .click();
  await page.getByRole("heading", { name: "Bytes as received" }).waitFor();
  await screenshot("item");
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: /^Retry all/ }).click();
  // The dry run says that they would be refused again.
  await page.getByRole("dialog").getByRole("list").waitFor();
  await screenshot("retry");
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: /^Discard all/ }).click();
  await page.getByLabel("Why").waitFor();
  await screenshot("discard");
}

/** Creates sample data of every kind. Returns the token of an invitation. */
async function createData(page) {
  await request(page, "PUT", "/api/rules", {
    rules: [
      { kinds: ["hard_bounce", "spam"], tag: "welcome", recipient: null },
      { kinds: ["open"], tag: null, recipient: "ada@example.com" },
      { kinds: ["reject", "soft_bounce", "deferral"], tag: null, recipient: null },
    ],
  });
  await request(page, "POST", "/api/views", { name: "Bounces", query: "kind=hard_bounce%2Csoft_bounce", shared: true });
  await request(page, "POST", "/api/views", { name: "Opens of VIPs", query: "kind=open&tag=vip", shared: false });
  const { invitation, user } = await request(page, "POST", "/api/users", { email: "bo@example.org", role: "viewer" });
  await request(page, "PATCH", `/api/users/${user.id}`, { role: "admin" });
  const disabled = await request(page, "POST", "/api/users", { email: "cy@example.net", role: "viewer" });
  await request(page, "PATCH", `/api/users/${disabled.user.id}`, { disabled: true });
  await request(page, "POST", "/api/tokens", { name: "Nightly export", scopes: ["read"] });
  await request(page, "POST", "/api/tokens", { name: "Staging", scopes: ["read", "simulate"] });
  await post(JSON.stringify(messageEvents(0, "gone@example.com")));
  await request(page, "POST", "/api/recipients/gone%40example.com/erase", { confirm: "gone@example.com" });
  for (const to of ["all", "role:admin"])
    await request(page, "POST", "/api/notifications", {
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

/** Fetches the newest event of a kind. */
async function newest(page, kind) {
  const { items } = await request(page, "GET", `/api/events?kind=${kind}&limit=1`);
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

async function captureAll() {
  await capturePages("empty", [...pages, ["no-match", "/?kind=open"], ["not-found", "/nowhere"]], undefined, (page) =>
    request(page, "PUT", "/api/rules", { rules: [] }),
  );
  const { context, page } = await openPage("light", 1280);
  await signIn(page);
  const invitation = await createData(page);
  await postSamples(40);
  const [click, bounce] = [await newest(page, "click"), await newest(page, "hard_bounce")];
  await context.close();
  const details = [
    ["drawer", `/?event=${click.id}`],
    ["message", `/messages/${click.message_id}`],
    ["bounced", `/messages/${bounce.message_id}`],
    ["template", "/templates/invoice?range=24h"],
    ["link", "/links/https%3A%2F%2Fshop.example.com%2Forders%2F4711?range=24h"],
    ["filtered", "/?kind=open%2Cclick&not.tag=billing&from=15m"],
  ];
  await capturePages("data", [...pages, ...details], captureDialogs);
  await captureSignedOut(invitation);
  await capturePages("error", [...pages, ...details], undefined, (failing) =>
    failing.route(/\/api\/(?!session$)/, (route) =>
      route.fulfill({
        status: 503,
        contentType: "application/problem+json",
        json: { code: "unavailable", detail: "The database cannot be reached at the moment." },
      }),
    ),
  );
}

/** Takes the screenshots of README.md and docs/dashboard.md. */
async function captureReadme() {
  const first = await openPage("light", 1280);
  await signIn(first.page);
  await createData(first.page);
  await postDay();
  const capture = async (name, colorScheme, width, path, ready = () => {}) => {
    const { context, page } = await openPage(colorScheme, width, width < 500 ? 1.5 : 1);
    await signIn(page);
    await goTo(page, path);
    await ready(page);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await context.close();
  };
  await capture("statistics-light", "light", 1280, "/stats?range=24h&time=occurred", (page) =>
    page.getByRole("table", { name: "Mail programs" }).waitFor(),
  );
  await postSamples(110);
  const click = await newest(first.page, "click");
  await capture("message-light", "light", 1280, `/messages/${click.message_id}`);
  await capture("quarantine-light", "light", 1280, "/quarantine");
  await capture("events-light", "light", 1280, "/?from=3m", async (page) => {
    await post(JSON.stringify(messageEvents(0)));
    await page.getByRole("log").getByText("opened").first().waitFor();
  });
  await capture("notifications-dark-phone", "dark", 390, "/notifications");
  await first.context.close();
}

await (only === "readme" ? captureReadme() : captureAll());
await browser.close();
