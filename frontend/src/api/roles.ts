/** Role settings and the preview of restrictions, which only admins load. */

import type { Addresses, Restriction, RestrictionPreview, RoleSettings } from "./access";
import { requestJson } from "./client";
import type { List, Role } from "./types";

export async function listRoles(): Promise<readonly RoleSettings[]> {
  return (await requestJson<List<RoleSettings>>("GET", "/api/roles")).items;
}

/** Sets how the users of a role see addresses, unless a user has a setting of their own. */
export function changeRole(role: Role, addresses: Addresses): Promise<void> {
  return requestJson("PATCH", `/api/roles/${role}`, JSON.stringify({ addresses }));
}

export function previewRestriction(restriction: Restriction | null, addresses: Addresses): Promise<RestrictionPreview> {
  return requestJson("POST", "/api/restrictions/preview", JSON.stringify({ restriction, addresses }));
}
