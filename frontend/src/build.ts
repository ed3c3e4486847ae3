/** Whether the server has a newer build of the dashboard, or a page could not be loaded. Either is told, and nothing happens by itself. */

import { readonly, shallowRef } from "vue";

export type BuildNotice =
  | { readonly kind: "new"; /** Where to go after reloading. */ readonly path: string | null }
  | { readonly kind: "unreachable"; /** The page that could not be loaded. */ readonly path: string };

const current = shallowRef<BuildNotice | null>(null);

/** What the user has to decide on; null if nothing. */
export const buildNotice = readonly(current);

export function dismissNotice(): void {
  current.value = null;
}

/** The entry script of this page, whose name contains the hash of its content. */
const ENTRY = /\/assets\/first-[^"/]+\.js/;

/** The entry script of the newest build; null if the server cannot be reached. */
async function newestEntry(): Promise<string | null> {
  try {
    const response = await fetch("/", { cache: "no-store" });
    return response.ok ? (ENTRY.exec(await response.text())?.[0] ?? null) : null;
  } catch {
    return null;
  }
}

/** Called when the files of a page could not be loaded: without a connection, or because a deployment has replaced them. */
export async function tellOfMissing(path: string): Promise<void> {
  current.value = isOther(await newestEntry()) ? { kind: "new", path } : { kind: "unreachable", path };
}

/** Called after a disconnect, which every deployment causes. */
export async function lookForBuild(): Promise<void> {
  if (isOther(await newestEntry())) current.value = { kind: "new", path: null };
}

/** Whether an entry script is another one than this page's. In development, the page has no built entry. */
function isOther(newest: string | null): boolean {
  const own = document.querySelector<HTMLScriptElement>("script[type=module]")?.src ?? "";
  return newest !== null && ENTRY.test(own) && !own.endsWith(newest);
}
