import { readFileSync } from "node:fs";
import { type Plugin, transformWithOxc } from "vite";

const SOURCE = "worker/shell.ts";

/** Builds the service worker as a file of its own at the root, since its address has to be stable and covers what it serves. */
export function shellWorker(): Plugin {
  return {
    name: "shell-worker",
    apply: "build",
    async generateBundle() {
      const { code } = await transformWithOxc(readFileSync(SOURCE, "utf8"), SOURCE);
      this.emitFile({ type: "asset", fileName: "shell-worker.js", source: code });
    },
  };
}
