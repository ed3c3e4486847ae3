import { expect, test, vi } from "vitest";
import type { Listener } from "./feed";
import type { InboxNotification } from "../api/types";

const fetched: InboxNotification = {
  id: 1,
  kind: "open",
  title: "ada@example.com opened “Hello”",
  body: "",
  event_id: 1,
  message_id: "m1",
  recipient: "ada@example.com",
  from: null,
  to: "all",
  actor: "person",
  actor_reason: "no_machine_signs",
  at: "2026-01-01T10:00:00Z",
  read: false,
};
let live: Listener = {};

vi.mock("./feed", () => ({ listen: (listener: Listener) => ((live = listener), () => {}) }));
vi.mock("../api/client", () => ({
  listNotifications: () => Promise.resolve({ items: [fetched], next: null, unread: 1 }),
}));

test("a notification that was fetched before it arrives live shows one toast", async () => {
  const { notifications, startNotifications, toasts, unread } = await import("./notifications");
  startNotifications();
  await vi.waitFor(() => expect(notifications.value).toHaveLength(1));
  live.notification?.(fetched);
  live.notification?.(fetched);
  expect(toasts.value.map((toast) => toast.id)).toEqual([1]);
  expect([notifications.value.length, unread.value]).toEqual([1, 1]);
});
