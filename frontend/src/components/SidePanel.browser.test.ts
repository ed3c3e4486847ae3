import { expect, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { h } from "vue";
import { mounted } from "../mounted";
import SidePanel from "./SidePanel.vue";

/** A button with a panel that is open or not. */
const Scene = ({ open, subject, onClose }: { open: boolean; subject: number; onClose: () => void }) => [
  h("button", { id: "opener" }, "Open"),
  open ? h(SidePanel, { id: "panel", title: "Event", content: "Facts", subject, onClose }) : null,
];
Scene.props = ["open", "subject", "onClose"];

const focused = () => document.activeElement?.id;

test("the panel takes the focus, takes it again for another item, and gives it back", async () => {
  const { change } = await mounted(Scene, { open: false, subject: 1, onClose: () => {} });
  document.getElementById("opener")?.focus();
  await change({ open: true });
  await expect.poll(focused).toBe("panel");
  await userEvent.keyboard("{Tab}");
  expect(focused()).not.toBe("panel");
  await change({ subject: 2 });
  await expect.poll(focused).toBe("panel");
  await change({ open: false });
  await expect.poll(focused).toBe("opener");
});

test("Esc anywhere in the panel closes it", async () => {
  const onClose = vi.fn<() => void>();
  await mounted(Scene, { open: true, subject: 1, onClose });
  await expect.poll(focused).toBe("panel");
  await userEvent.keyboard("{Tab}{Escape}");
  expect(onClose).toHaveBeenCalledTimes(1);
});
