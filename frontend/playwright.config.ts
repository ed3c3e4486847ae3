import { defineConfig } from "@playwright/test";

// Runs against a stack that `stack with` starts, or one that is already running (docker compose). See e2e/README.md.
export default defineConfig({
  testDir: "e2e",
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  use: {
    baseURL: process.env["BASE_URL"] ?? "http://127.0.0.1:8080",
    // Tests that replace responses need the page's own requests. `network.spec.ts` tests the worker.
    serviceWorkers: "block",
    trace: "retain-on-failure",
    launchOptions: {
      ...(process.env["CHROMIUM"] ? { executablePath: process.env["CHROMIUM"] } : {}),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
