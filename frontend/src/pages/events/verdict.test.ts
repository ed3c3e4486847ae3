import { expect, test } from "vitest";
import type { MailEvent } from "../../api/types";
import { actorLabel, explainActor, explainFailure, placeOf, reasonLabel } from "./verdict";

const judged = (kind: string, more: Partial<MailEvent>) =>
  ({ kind, reason_class: null, actor: null, actor_reason: null, city: null, country: null, ...more }) as MailEvent;

test("what follows from a failure depends on the kind", () => {
  const explain = (kind: string) => explainFailure(judged(kind, { reason_class: "mailbox_full" }));
  expect(explain("deferral")).toContain("no room for the message. Mandrill tries again.");
  for (const kind of ["soft_bounce", "hard_bounce", "reject"]) expect(explain(kind)).not.toContain("tries again.");
  expect(explainFailure(judged("delivered", {}))).toBe("");
});

test("a proxy's place is not the reader's", () => {
  const event = judged("open", { actor: "proxy", actor_reason: "google_proxy", city: "Mountain View", country: "US" });
  expect(placeOf(event)).toBe("Mountain View, US (the proxy's place)");
  expect(placeOf({ ...event, actor: "person" })).toBe("Mountain View, US");
  expect(explainActor(event)).toContain("Gmail");
  expect(explainActor({ ...event, actor: "person", actor_reason: "no_machine_signs" })).toBe("");
});

test("codes of newer services are shown as they are", () => {
  expect(reasonLabel("no_mailbox")).toBe("No such mailbox");
  expect(reasonLabel("constructor")).toBe("constructor");
  expect(reasonLabel(null)).toBe("");
  expect(actorLabel("hologram")).toBe("hologram");
  expect(explainFailure(judged("soft_bounce", { reason_class: "new" as "unknown" }))).toBe("");
});
