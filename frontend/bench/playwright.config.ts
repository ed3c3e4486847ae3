import { defineConfig } from "@playwright/test";
import base from "../playwright.config";

// Run by `make bench`, which starts a stack with many events and states what the figures are compared with.
export default defineConfig({
  ...base,
  testDir: ".",
  testMatch: "*.bench.ts",
  timeout: 1_200_000,
  use: { ...base.use, trace: "off", viewport: { width: 1280, height: 800 } },
});
