/** Who is signed in. Asked once at the start; a 401 anywhere, or a closed socket, ends it. */

import { readonly, ref } from "vue";
import * as access from "./api/access";
import * as api from "./api/client";
import type { SignedIn, User } from "./api/types";

const user = ref<User | null>(null);
const provider = ref<string | null>(null);
let feed: string | null = null;

/** The signed-in user, or null. */
export const currentUser = readonly(user);

/** What the provider is called through which one may sign in, or null. */
export const singleSignOn = readonly(provider);

/** Where the feed stood when the server last said who is signed in; what was fetched since has all that came before. */
export function feedAtSignIn(): string | null {
  return feed;
}

function adopt(session: SignedIn): void {
  feed = session.feed;
  user.value = session.user;
  provider.value = session.single_sign_on;
}

/**
 * Asks the server who is signed in. The cookie is out of the page's reach.
 *
 * @throws {api.Problem} when the server does not say: that is not the same as nobody.
 */
export async function restoreSession(): Promise<void> {
  adopt(await api.getSession());
}

export async function signIn(email: string, password: string): Promise<void> {
  adopt(await api.signIn(email, password));
}

/** Signs in by a one-time link, whose token ends with that. */
export async function acceptInvitation(token: string, password: string): Promise<void> {
  adopt(await access.acceptInvitation(token, password));
}

/**
 * Signs out.
 *
 * @throws {api.Problem} when the server did not do it: the session then still holds.
 */
export async function signOut(): Promise<void> {
  await api.signOut().catch((error: unknown) => {
    if (!(error instanceof api.Problem) || error.code !== "signed_out") throw error;
  });
  user.value = null;
}

/** Asks whether the session still holds, and for whom; no answer changes nothing. */
export async function checkSession(): Promise<void> {
  await restoreSession().catch(() => {});
}

/** The server says that nobody is signed in. */
export function sessionEnded(): void {
  user.value = null;
}
