// Pictures of every page, light and dark, wide and narrow, into the folder named as argument:
//   target/debug/stack with node frontend/tools/screenshots.mjs FOLDER
import { spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const { BASE_URL, WEBHOOK_URL, WEBHOOK_KEY, ADMIN_EMAIL, ADMIN_PASSWORD, CHROMIUM } = process.env;
const folder = process.argv[2] ?? "screenshots";
const ingest = new URL("../../target/debug/ingest", import.meta.url).pathname;
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({ ...(CHROMIUM ? { executablePath: CHROMIUM } : {}), args: ["--no-sandbox"] });

/** Posts the value of `mandrill_events`, signed for this address. */
async function post(value, signedFor) {
  const signature = createHmac("sha1", WEBHOOK_KEY).update(`${signedFor}mandrill_events${value}`).digest("base64");
  await fetch(`${BASE_URL}/webhook/`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "x-mandrill-signature": signature },
    body: new URLSearchParams({ mandrill_events: value }).toString(),
  });
}

async function shoot(state, pages) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const context = await browser.newContext({ baseURL: BASE_URL, colorScheme, viewport: { width, height: 800 } });
      const page = await context.newPage();
      const picture = (name) => page.screenshot({ path: join(folder, `${name}-${state}-${colorScheme}-${width}.png`) });
      await page.goto("/");
      await page.getByLabel("E-mail").waitFor();
      if (state === "empty") await picture("sign-in");
      await page.getByLabel("E-mail").fill(ADMIN_EMAIL);
      await page.getByLabel("Password").fill(ADMIN_PASSWORD);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByText("Live", { exact: true }).waitFor();
      for (const [name, path] of pages) {
        await page.goto(path);
        await page.getByText("Live", { exact: true }).waitFor();
        await page.getByText(/\d online/).waitFor({ state: "attached" });
        await page.waitForLoadState("networkidle");
        await picture(name);
      }
      if (state === "data") {
        await page.goto("/");
        await page.getByText("Live", { exact: true }).waitFor();
        spawnSync(ingest, ["simulate", "--to", `${BASE_URL}/webhook/`], {
          env: { WEBHOOK_KEYS: WEBHOOK_KEY, WEBHOOK_URLS: WEBHOOK_URL },
        });
        await page.getByRole("log").getByText("opened").first().waitFor();
        await picture("live");
        await page.getByRole("button", { name: /Notifications/ }).click();
        await page.getByRole("complementary").waitFor();
        await picture("panel");
        await page.getByRole("complementary").getByRole("button", { name: "Test" }).click();
        await page.getByRole("dialog").waitFor();
        await picture("test");
        await page.goto("/quarantine?reason=no_kind");
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
      await context.close();
    }
  }
}

const pages = [
  ["events", "/"],
  ["notifications", "/notifications"],
  ["recipient", "/recipients/ada%40example.com"],
  ["stats", "/stats?range=24h"],
  ["quarantine", "/quarantine"],
  ["refusals", "/refusals"],
  ["system", "/system"],
  ["users", "/users"],
  ["user", "/users?user=1"],
  ["tokens", "/tokens"],
  ["account", "/account"],
  ["simulate", "/simulate"],
];
await shoot("empty", pages);
for (let n = 0; n < 12; n++) {
  await post(JSON.stringify([n, { order: `A thing that is no event ${n}` }]), WEBHOOK_URL);
  await post(`not JSON ${n}`, WEBHOOK_URL);
  await post("[]", n % 2 ? "elsewhere" : WEBHOOK_URL.replace(/\/$/, ""));
}
await fetch(`${BASE_URL}/webhook/`, { method: "POST" });
await shoot("data", pages);
await browser.close();
