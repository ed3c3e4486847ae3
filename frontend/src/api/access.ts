/** Account endpoints: users, invitations, API tokens, sessions and the password. */

import { requestJson } from "./client";
import type { List, Role, Schemas } from "./types";

/** A user account, as admins see it. */
export type Member = Schemas["Account"];

/** The secret of a one-time link. The server returns it only once. */
export type Invitation = Schemas["Invitation"];

export type Session = Schemas["Session"];

export type Scope = Schemas["Scope"];

/** An API token. The server returns its secret only once, on creation. */
export type Token = Schemas["Token"];

/** The part of all events that a user or token may see. */
export type Restriction = Schemas["Restriction"];

/** How a user or token sees addresses. */
export type Addresses = Schemas["Addresses"];

export type RoleSettings = Schemas["RoleSettings"];

/** What a restriction would show. */
export type RestrictionPreview = Schemas["RestrictionPreview"];

export async function listMembers(): Promise<readonly Member[]> {
  return (await requestJson<List<Member>>("GET", "/api/users")).items;
}

export function invite(
  email: string,
  role: Role,
  restriction: Restriction | null,
  addresses: Addresses | null,
): Promise<{ user: Member; invitation: Invitation }> {
  return requestJson("POST", "/api/users", JSON.stringify({ email, role, restriction, addresses }));
}

export async function listRoles(): Promise<readonly RoleSettings[]> {
  return (await requestJson<List<RoleSettings>>("GET", "/api/roles")).items;
}

/** Sets how the users of a role see addresses, unless a user has a setting of their own. */
export function changeRole(role: Role, addresses: Addresses): Promise<void> {
  return requestJson("PATCH", `/api/roles/${role}`, JSON.stringify({ addresses }));
}

export function changeMember(
  id: number,
  change: { role?: Role; disabled?: boolean; restriction?: Restriction | null; addresses?: Addresses | null },
): Promise<Member> {
  return requestJson("PATCH", `/api/users/${id}`, JSON.stringify(change));
}

/** Creates a new invitation link, which replaces any earlier one. */
export function renewInvitation(id: number): Promise<Invitation> {
  return requestJson("POST", `/api/users/${id}/invitation`);
}

/** Returns the account that an invitation link belongs to. */
export function readInvitation(token: string): Promise<{ email: string; role: Role }> {
  return requestJson("POST", "/api/invitation", JSON.stringify({ token }));
}

export async function listTokens(): Promise<readonly Token[]> {
  return (await requestJson<List<Token>>("GET", "/api/tokens")).items;
}

/** Creates a token and returns its secret. */
export async function createToken(
  name: string,
  scopes: readonly Scope[],
  restriction: Restriction | null,
  addresses: Addresses,
): Promise<string> {
  const body = JSON.stringify({ name, scopes, restriction, addresses });
  return (await requestJson<{ token: string }>("POST", "/api/tokens", body)).token;
}

/** Changes what a token may see: the part of all events, null for all of them, and addresses. */
export function changeToken(id: number, restriction: Restriction | null, addresses: Addresses): Promise<Token> {
  return requestJson("PATCH", `/api/tokens/${id}`, JSON.stringify({ restriction, addresses }));
}

export function previewRestriction(restriction: Restriction | null, addresses: Addresses): Promise<RestrictionPreview> {
  return requestJson("POST", "/api/restrictions/preview", JSON.stringify({ restriction, addresses }));
}

export function revokeToken(id: number): Promise<void> {
  return requestJson("DELETE", `/api/tokens/${id}`);
}

/** Lists the sessions of the signed-in user, or of any user for admins. */
export async function listSessions(user?: number): Promise<readonly Session[]> {
  const query = user === undefined ? "" : `?user=${user}`;
  return (await requestJson<List<Session>>("GET", `/api/sessions${query}`)).items;
}

export function endSession(id: Session["id"]): Promise<void> {
  return requestJson("DELETE", `/api/sessions/${id}`);
}

/** Ends the user's other sessions, or all sessions of another user. Returns how many were ended. */
export async function endSessions(user?: number): Promise<number> {
  const body = JSON.stringify(user === undefined ? {} : { user });
  return (await requestJson<{ ended: number }>("POST", "/api/sessions/end", body)).ended;
}

/** Changes the user's password, which ends their other sessions. */
export function changePassword(oldPassword: string, newPassword: string): Promise<void> {
  return requestJson("POST", "/api/password", JSON.stringify({ old: oldPassword, new: newPassword }));
}
