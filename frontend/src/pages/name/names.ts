/** The names that have pages of their own: templates, tags, domains, subaccounts and links. */

import type { MailEvent } from "../../api/types";
import { isSameAddress } from "../recipient/useEventsOf";

export interface NameField {
  /** The filter's parameter. */
  readonly parameter: string;
  /** What the name is of, such as `Template`. */
  readonly title: string;
  /** Whether an event has this name. */
  readonly matches: (event: MailEvent, name: string) => boolean;
}

export const NAME_FIELDS: readonly NameField[] = [
  { parameter: "template", title: "Template", matches: (event, name) => event.template === name },
  { parameter: "tag", title: "Tag", matches: (event, name) => event.tags.includes(name) },
  {
    parameter: "domain",
    title: "Domain",
    matches: ({ recipient }, name) =>
      recipient !== null && isSameAddress(recipient.slice(recipient.lastIndexOf("@") + 1), name),
  },
  {
    parameter: "subaccount",
    title: "Subaccount",
    matches: (event, name) => event.subaccount === name,
  },
  { parameter: "url", title: "Link", matches: (event, name) => event.url === name },
];
