/** The roles and their permissions. */

import type { Role } from "../../api/types";
import { texts } from "./texts";

export const ROLES: Readonly<Record<Role, { readonly label: string; readonly permissions: string }>> = {
  viewer: { label: texts.viewer, permissions: texts.seesEventsStatisticsAnd },
  operator: { label: texts.operator, permissions: texts.alsoOperatesTheServer },
  admin: { label: texts.admin, permissions: texts.alsoManagesUsers },
};
