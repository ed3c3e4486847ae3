/** Endpoints of accounts: users and their invitations, tokens of programs, sessions, one's own password. */

import { ask } from "./client";
import type { List, Role, Schemas, SignedIn } from "./types";

/** A user as admins see them. */
export type Member = Schemas["Account"];

/** A one-time link's secret, which is told once. */
export type Invitation = Schemas["Invitation"];

export type Session = Schemas["Session"];

export type Scope = Schemas["Scope"];

/** What a program signs in with; the secret itself is told once. */
export type Token = Schemas["Token"];

export async function listMembers(): Promise<readonly Member[]> {
  return (await ask<List<Member>>("GET", "/api/users")).items;
}

export function invite(email: string, role: Role): Promise<{ user: Member; invitation: Invitation }> {
  return ask("POST", "/api/users", JSON.stringify({ email, role }));
}

export function changeMember(id: number, change: { role?: Role; disabled?: boolean }): Promise<Member> {
  return ask("PATCH", `/api/users/${id}`, JSON.stringify(change));
}

/** A new link for somebody, in place of any before. */
export function inviteAgain(id: number): Promise<Invitation> {
  return ask("POST", `/api/users/${id}/invitation`);
}

/** Whom a link is for. */
export function readInvitation(token: string): Promise<{ email: string; role: Role }> {
  return ask("POST", "/api/invitation", JSON.stringify({ token }));
}

/** Sets the password by a link, and signs in. */
export function acceptInvitation(token: string, password: string): Promise<SignedIn> {
  return ask("POST", "/api/invitation", JSON.stringify({ token, password }));
}

export async function listTokens(): Promise<readonly Token[]> {
  return (await ask<List<Token>>("GET", "/api/tokens")).items;
}

/** The secret of a new token. */
export async function makeToken(name: string, scopes: readonly Scope[]): Promise<string> {
  return (await ask<{ token: string }>("POST", "/api/tokens", JSON.stringify({ name, scopes }))).token;
}

export function revokeToken(id: number): Promise<void> {
  return ask("DELETE", `/api/tokens/${id}`);
}

/** One's own sessions; admins may ask for anybody's. */
export async function listSessions(user?: number): Promise<readonly Session[]> {
  const query = user === undefined ? "" : `?user=${user}`;
  return (await ask<List<Session>>("GET", `/api/sessions${query}`)).items;
}

export function endSession(id: Session["id"]): Promise<void> {
  return ask("DELETE", `/api/sessions/${id}`);
}

/** Ends all of one's own sessions but this one, or all of another user; gives how many. */
export async function endSessions(user?: number): Promise<number> {
  const body = JSON.stringify(user === undefined ? {} : { user });
  return (await ask<{ ended: number }>("POST", "/api/sessions/end", body)).ended;
}

/** Changes one's own password, which ends one's other sessions. */
export function changePassword(old: string, wanted: string): Promise<void> {
  return ask("POST", "/api/password", JSON.stringify({ old, new: wanted }));
}
