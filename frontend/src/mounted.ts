/** Mounts a component for tests that run in a browser. */

import { onTestFinished } from "vitest";
import { type Component, createApp, h, nextTick, shallowReactive } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";
import "./styles/base.css";

type Props = Record<string, unknown>;

/** The component is removed when the test ends. `change` sets props and waits until they are shown. */
export async function mounted(component: Component, initial: Props) {
  const props = shallowReactive({ ...initial });
  const host = document.body.appendChild(document.createElement("div"));
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: "/:rest(.*)", component: { render: () => null } }],
  });
  const app = createApp({ render: () => h(component, { ...props }) }).use(router);
  app.mount(host);
  onTestFinished(() => {
    app.unmount();
    host.remove();
  });
  await router.isReady().catch(() => {});
  return {
    host,
    async change(next: Props): Promise<void> {
      Object.assign(props, next);
      await nextTick();
    },
  };
}
