/** Who is signed in. Asked once at the start; a 401 anywhere, or a closed socket, ends it. */

import { readonly, ref } from "vue";
import * as api from "./api/client";
import type { User } from "./api/types";

const user = ref<User | null>(null);

/** The signed-in user, or null. */
export const currentUser = readonly(user);

/** Asks the server who is signed in. The cookie is out of the page's reach. */
export async function restoreSession(): Promise<void> {
  user.value = await api.getSession().catch(() => null);
}

export async function signIn(email: string, password: string): Promise<void> {
  user.value = await api.signIn(email, password);
}

/** Signs out, also when the server no longer knows the session. */
export async function signOut(): Promise<void> {
  await api.signOut().catch(() => {});
  user.value = null;
}

/** The server says that nobody is signed in. */
export function sessionEnded(): void {
  user.value = null;
}
