/** The session. It is fetched once at startup, and ended by a `signed_out` response or by the socket. */

import { readonly, ref } from "vue";
import * as api from "./api/client";
import type { Role, SignedIn, User } from "./api/types";
import { onOtherTab, tellTabs } from "./tabs";

const user = ref<User | null>(null);
const provider = ref<string | null>(null);
let feed: string | null = null;

/** The signed-in user, or null. */
export const currentUser = readonly(user);

const ROLES = ["viewer", "operator", "admin"] as const;

/** Whether the signed-in user has this role or a higher one. */
export function has(role: Role = "viewer"): boolean {
  return user.value !== null && ROLES.indexOf(user.value.role) >= ROLES.indexOf(role);
}

/** The name of the single sign-on provider, or null if none is configured. */
export const singleSignOn = readonly(provider);

/**
 * The feed cursor at the time of the last session response. Everything fetched since then includes the events before this cursor.
 */
export function feedAtSignIn(): string | null {
  return feed;
}

function adopt(session: SignedIn): void {
  feed = session.feed;
  user.value = session.user;
  provider.value = session.single_sign_on;
}

/**
 * Fetches the session from the server, because scripts cannot read the cookie.
 *
 * @throws {api.Problem} if the request fails, which does not mean that the user is signed out.
 */
export async function restoreSession(): Promise<void> {
  adopt(await api.getSession());
}

export async function signIn(email: string, password: string): Promise<void> {
  adopt(await api.signIn(email, password));
  tellTabs("session");
}

/** Signs in with a one-time invitation token, which becomes invalid. */
export async function acceptInvitation(token: string, password: string): Promise<void> {
  adopt(await api.acceptInvitation(token, password));
  tellTabs("session");
}

/**
 * Signs out.
 *
 * @throws {api.Problem} if the request fails. The session then remains valid.
 */
export async function signOut(): Promise<void> {
  await api.signOut().catch((error: unknown) => {
    if (!(error instanceof api.Problem) || error.code !== "signed_out") throw error;
  });
  user.value = null;
  tellTabs("session");
}

/** Refreshes the session. A failed request changes nothing. */
export async function checkSession(): Promise<void> {
  await restoreSession().catch(() => {});
}

/** Called when the server reports that the session is over. */
export function sessionEnded(): void {
  user.value = null;
}

onOtherTab("session", () => void checkSession());
