import { expect, test } from "vitest";
import { statusOf } from "./status";

const standing = (state: string, more = {}) =>
  ({ state, since: null, event_id: null, kind: null, reason_class: null, ...more }) as Parameters<typeof statusOf>[0];

test("a standing is explained with the reason of its event", () => {
  expect(statusOf(standing("reachable"))).toMatchObject({ label: "Reachable", tone: "ok" });
  const bounced = statusOf(standing("bounced", { reason_class: "no_mailbox" }));
  expect(bounced.explanation).toContain("came back for good. The address does not exist");
  expect(statusOf(standing("brand_new"))).toEqual({ label: "brand_new", tone: "quiet", explanation: "" });
});
