import tailwindcss from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

// `npm run dev` asks the services of `make up` behind nginx.
const stack = process.env["STACK_URL"] ?? "http://127.0.0.1:8080";

const SHARED = /src\/(?:api|components|live|saved|shortcuts)\/|src\/(?:session|words|preferences|tab)\.ts/;

export default defineConfig({
  plugins: [vue(), tailwindcss()],
  build: {
    target: "es2022",
    // The polyfill would be an inline script, which the page's policy forbids; every target browser preloads by itself.
    modulePreload: { polyfill: false },
    // An inlined asset is a data: URL, which the policy forbids for scripts and fonts.
    assetsInlineLimit: 0,
    // All styles together are lighter than one more request.
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        // Else each module that two pages share would be a file, and a request, of its own.
        codeSplitting: {
          groups: [
            { name: "first", tags: ["$initial"] },
            // What only pages that come later share; nobody waits for it at first.
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
      "/ws": { target: stack, ws: true },
    },
  },
  test: { include: ["src/**/*.test.ts"] },
});
