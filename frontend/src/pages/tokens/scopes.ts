/** The token scopes and their permissions. */

import type { Scope } from "../../api/access";
import { texts } from "./texts";

export const SCOPES: Readonly<Record<Scope, string>> = {
  read: texts.readsEventsMessagesRecipients,
  simulate: texts.postsBatchesThatCount,
};
