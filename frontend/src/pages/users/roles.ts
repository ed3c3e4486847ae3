/** The roles and their permissions. */

import type { Role } from "../../api/types";

export const ROLES: Readonly<Record<Role, { readonly label: string; readonly permissions: string }>> = {
  viewer: { label: "Viewer", permissions: "sees events, statistics and notifications." },
  admin: { label: "Admin", permissions: "also operates the server, manages users, and may erase recipients." },
};
