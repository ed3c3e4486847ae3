import tailwindcss from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { firstPaint } from "./build/firstPaint.ts";
import { shellWorker } from "./build/shellWorker.ts";

// `make watch` and `npm run dev` proxy to the services behind nginx.
const stack = process.env["STACK_URL"] ?? "http://127.0.0.1:8080";

/** Shared components, and the list of events, which several pages have; not what only the pages of accounts need. */
const SHARED =
  /src\/api\/(?!access\b)|src\/(?:components|live|saved|query|times)\/|src\/shortcuts\/(?!ShortcutHelp)|src\/(?:session|words|preferences|tab)\.ts|pages\/events\/(?:EventsPage|EventsControls|EventTable|EventRow|EventPanel|EventDrawer|ListEnd|SelectionBar|ValueMenu|ValueAction|kinds|verdict|columns|display|days|use[A-Z]\w+|table)\b/;

export default defineConfig({
  plugins: [vue(), tailwindcss(), firstPaint(), shellWorker()],
  build: {
    target: "es2022",
    // The polyfill is an inline script, which the page's CSP forbids. Every target browser supports module preload.
    modulePreload: { polyfill: false },
    // Inlined assets are data: URLs, which the CSP forbids for scripts and fonts.
    assetsInlineLimit: 0,
    // One stylesheet costs less than an extra request.
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        // Otherwise each module shared by two pages becomes its own file and request.
        codeSplitting: {
          groups: [
            { name: "first", tags: ["$initial"] },
            // The document preloads this part beside the entry.
            { name: "later", test: SHARED },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      "/api": stack,
      "/webhook": stack,
      "/sse": stack,
      "/ws": { target: stack, ws: true },
    },
  },
  test: {
    projects: [
      { extends: true, test: { name: "node", include: ["src/**/*.test.ts"], exclude: ["src/**/*.browser.test.ts"] } },
      {
        extends: true,
        test: {
          // Components whose logic needs layout, focus or a canvas.
          name: "browser",
          include: ["src/**/*.browser.test.ts"],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            viewport: { width: 1280, height: 800 },
            instances: [{ browser: "chromium" }],
            provider: playwright({
              launchOptions: {
                ...(process.env["CHROMIUM"] ? { executablePath: process.env["CHROMIUM"] } : {}),
                args: ["--no-sandbox", "--disable-gpu"],
              },
            }),
          },
        },
      },
    ],
  },
});
