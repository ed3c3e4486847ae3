import { defineConfig } from "@playwright/test";
import usual from "../playwright.config";

// Run by `make bench`, which starts a stack with many events for it and says what the figures are held against.
export default defineConfig({
  ...usual,
  testDir: ".",
  testMatch: "*.bench.ts",
  timeout: 1_200_000,
  use: { ...usual.use, trace: "off", viewport: { width: 1280, height: 800 } },
});
