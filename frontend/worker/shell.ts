/**
 * Keeps the shell of the dashboard: its document, and the hashed files that the document names. A later visit starts from here, without
 * waiting for the network, and works without one. Nothing else is kept: data of the API never passes through this worker.
 */

const worker = globalThis as unknown as ServiceWorkerGlobalScope;

/** `src/worker.ts` deletes this cache to move to a new build. */
const SHELL = "shell";
const DOCUMENT = "/";
/** Files whose names contain the hash of their content. */
const HASHED = /\/assets\/[\w.-]+/g;
/** Addresses of the services. A navigation to them, such as a download or a sign-in, is theirs. */
const SERVICES = /^\/(?:api|webhook|ws|sse|healthz|assets)(?:\/|$)/;
/** A file beside the document, such as `/mark.svg`. Names and addresses within paths can contain dots. */
const FILE = /^\/[\w-]+\.\w+$/;

worker.addEventListener("install", (event) => {
  event.waitUntil(renew().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(worker.clients.claim());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin) return;
  if (request.mode === "navigate" && !SERVICES.test(pathname) && !FILE.test(pathname)) {
    // Each visit starts from the document that is kept and fetches the newest one for the next visit.
    event.waitUntil(renew().catch(() => {}));
    event.respondWith(kept(DOCUMENT).then((document) => document ?? fetch(request)));
  } else if (pathname.startsWith("/assets/")) {
    event.respondWith(kept(pathname).then((file) => file ?? fetch(request)));
  }
});

/** Fetches the document, and replaces what is kept once all of its files are here. Throws if any of them cannot be fetched. */
async function renew(): Promise<void> {
  const response = await fetch(DOCUMENT, { cache: "no-cache", credentials: "same-origin" });
  const files =
    response.ok && !response.redirected ? new Set((await response.clone().text()).match(HASHED)) : new Set<string>();
  // Not the dashboard, for example the page of a proxy.
  if (files.size === 0) throw new Error(`the document has no files, status ${response.status}`);
  const cache = await caches.open(SHELL);
  const before = (await cache.keys()).map(({ url }) => new URL(url).pathname);
  await cache.addAll([...files].filter((file) => !before.includes(file)));
  await cache.put(DOCUMENT, response);
  const outdated = before.filter((path) => path !== DOCUMENT && !files.has(path));
  await Promise.all(outdated.map((path) => cache.delete(path)));
}

/** Undefined if it is not kept, or if the browser's storage fails. */
async function kept(path: string): Promise<Response | undefined> {
  try {
    return await (await caches.open(SHELL)).match(path);
  } catch {
    return undefined;
  }
}
