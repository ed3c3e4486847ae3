/** The columns that a list of events can have. */

import type { MailEvent } from "../../api/types";
import { detailOf } from "./kinds";

export interface Column {
  readonly id: string;
  readonly title: string;
  /** As a track of the grid. */
  readonly width: string;
  /** Shown unless somebody chooses otherwise. */
  readonly usual: boolean;
  readonly text: (event: MailEvent) => string;
  /** The name and value to filter by, if there are any. */
  readonly condition: (event: MailEvent) => readonly [string, string | null];
}

const NOTHING = ["", null] as const;

export const COLUMNS: readonly Column[] = [
  column(
    "when",
    "When",
    "80px",
    (event) => event.occurred_at,
    (event) => ["from", event.received_at],
  ),
  column(
    "what",
    "What",
    "126px",
    (event) => event.kind,
    (event) => ["kind", event.kind],
  ),
  column(
    "who",
    "Who",
    "minmax(0, 22fr)",
    (event) => event.recipient ?? (event.erased_at ? "(erased)" : null),
    (event) => ["recipient", event.recipient],
  ),
  column("subject", "Subject", "minmax(0, 30fr)", subjectOf, (event) => ["subject", event.subject]),
  column("detail", "Detail", "minmax(0, 24fr)", detailOf, detailCondition),
  column(
    "tags",
    "Tags",
    "minmax(0, 14fr)",
    (event) => event.tags.join(", "),
    () => NOTHING,
  ),
  more("sender", "Sender", "minmax(0, 20fr)"),
  more("template", "Template", "minmax(0, 14fr)"),
  more("subaccount", "Subaccount", "minmax(0, 14fr)"),
  more("ip", "IP", "120px"),
  more("message_id", "Message", "minmax(0, 18fr)"),
];

function column(
  id: string,
  title: string,
  width: string,
  text: (event: MailEvent) => string | null,
  condition: Column["condition"],
): Column {
  return { id, title, width, usual: true, text: (event) => text(event) ?? "", condition };
}

/** A column of what has the same name as its filter. */
function more(id: "sender" | "template" | "subaccount" | "ip" | "message_id", title: string, width: string): Column {
  return { id, title, width, usual: false, text: (event) => event[id] ?? "", condition: (event) => [id, event[id]] };
}

/** A mail without subject is still to be told from an event without mail. */
function subjectOf(event: MailEvent): string {
  if (event.erased_at) return "(erased)";
  return event.subject ?? (event.message_id ? "(no subject)" : "");
}

/** What the detail was read from, where the server can filter by that. */
function detailCondition(event: MailEvent): readonly [string, string | null] {
  if (event.kind === "open") return ["ip", event.ip];
  if (event.kind === "click") return ["url", event.url];
  return event.kind === "inbound" ? ["sender", event.sender] : NOTHING;
}
