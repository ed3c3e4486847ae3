/** The available columns of the event list. */

import { isMasked, recipientOf } from "../addresses";
import type { MailEvent } from "../../api/types";
import { detailOf } from "./kinds";
import { texts } from "./texts";

export interface Column {
  readonly id: string;
  readonly title: string;
  /** A CSS grid track size. */
  readonly width: string;
  /** Whether the column is shown by default. */
  readonly isDefault: boolean;
  readonly text: (event: MailEvent) => string;
  /** The filter name and value; the value is null if the cell cannot be filtered by. */
  readonly condition: (event: MailEvent) => readonly [string, string | null];
}

const NO_CONDITION = ["", null] as const;

export const COLUMNS: readonly Column[] = [
  column(
    "when",
    texts.when,
    "128px",
    (event) => event.occurred_at,
    (event) => ["from", event.received_at],
  ),
  column(
    "what",
    texts.what,
    "138px",
    (event) => event.kind,
    (event) => ["kind", event.kind],
  ),
  column(
    "who",
    texts.who,
    "minmax(0, 27fr)",
    (event) => event.recipient ?? (event.erased_at ? "(erased)" : null),
    (event) => ["recipient", recipientOf(event)],
  ),
  column("subject", texts.subject, "minmax(0, 25fr)", subjectOf, (event) => ["subject", event.subject]),
  column("detail", texts.detail, "minmax(0, 23fr)", detailOf, detailCondition),
  column(
    "tags",
    texts.tags,
    "minmax(0, 16fr)",
    (event) => event.tags.join(", "),
    () => NO_CONDITION,
  ),
  fieldColumn("sender", texts.sender, "minmax(0, 20fr)"),
  fieldColumn("template", texts.template, "minmax(0, 14fr)"),
  fieldColumn("subaccount", texts.subaccount, "minmax(0, 14fr)"),
  fieldColumn("ip", "IP", "120px"),
  fieldColumn("message_id", texts.message, "minmax(0, 18fr)"),
];

function column(
  id: string,
  title: string,
  width: string,
  text: (event: MailEvent) => string | null,
  condition: Column["condition"],
): Column {
  const findable = (event: MailEvent): ReturnType<Column["condition"]> => {
    const [name, value] = condition(event);
    return isMasked(value) ? NO_CONDITION : [name, value];
  };
  return { id, title, width, isDefault: true, text: (event) => text(event) ?? "", condition: findable };
}

/** A column whose field has the same name as its filter. Hidden by default. */
function fieldColumn(
  id: "sender" | "template" | "subaccount" | "ip" | "message_id",
  title: string,
  width: string,
): Column {
  const of = (event: MailEvent): string | null => event[id];
  return { ...column(id, title, width, of, (event) => [id, of(event)]), isDefault: false };
}

/** Distinguishes a message without a subject from an event without a message. */
function subjectOf(event: MailEvent): string {
  if (event.erased_at) return "(erased)";
  return event.subject ?? (event.message_id ? texts.noSubject : "");
}

/** The filter for the field that the detail shows, if the server supports one. */
function detailCondition(event: MailEvent): readonly [string, string | null] {
  if (event.kind === "open") return ["ip", event.ip];
  if (event.kind === "click") return ["url", event.url];
  return event.kind === "inbound" ? ["sender", event.sender] : NO_CONDITION;
}
