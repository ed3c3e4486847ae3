/** What each role may do. */

import type { Role } from "../../api/types";

export const ROLES: Readonly<Record<Role, { readonly word: string; readonly may: string }>> = {
  viewer: { word: "Viewer", may: "sees events, statistics and notifications." },
  admin: { word: "Admin", may: "also operates the server, manages users, and may erase recipients." },
};
