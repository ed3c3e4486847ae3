/** Registers the service worker that keeps the shell, `worker/shell.ts`. */

import { lookForBuild } from "./build";

const ADDRESS = "/shell-worker.js";

/** Without a worker, which needs HTTPS and storage, each visit fetches the document. */
export function keepShell(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  // None of this should delay the first view.
  addEventListener("load", () => {
    // A document that the worker has kept can be of an earlier build.
    if (navigator.serviceWorker.controller) void lookForBuild();
    navigator.serviceWorker.register(trusted(ADDRESS), { updateViaCache: "none" }).catch(() => {});
  });
}

/** Lets the next navigation fetch the document. */
export async function dropShell(): Promise<void> {
  await globalThis.caches?.delete("shell").catch(() => {});
}

/** The part of Trusted Types that is used here; TypeScript does not know them. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: () => string }): { createScriptURL(address: string): string };
}

/** The page's policy requires addresses of scripts to be trusted. This one trusts a single address. */
function trusted(address: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  return trustedTypes?.createPolicy("worker", { createScriptURL: () => ADDRESS }).createScriptURL(address) ?? address;
}
