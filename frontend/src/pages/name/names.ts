/** Which live events have a name, by the parameter of its filter. */

import type { MailEvent } from "../../api/types";
import { isSameAddress } from "../../live/useEventsOf";

export const MATCHES: Readonly<Record<string, (event: MailEvent, name: string) => boolean>> = {
  template: (event, name) => event.template === name,
  tag: (event, name) => event.tags.includes(name),
  domain: ({ recipient }, name) =>
    recipient !== null && isSameAddress(recipient.slice(recipient.lastIndexOf("@") + 1), name),
  subaccount: (event, name) => event.subaccount === name,
  url: (event, name) => event.url === name,
};
