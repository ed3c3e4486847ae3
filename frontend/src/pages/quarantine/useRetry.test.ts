import { afterEach, expect, test, vi } from "vitest";
import type { Outcome } from "../../api/types";
import { useRetry } from "./useRetry";

afterEach(() => vi.unstubAllGlobals());

interface Order {
  readonly select: { readonly ids?: number[]; readonly reason?: string };
  readonly dry_run?: boolean;
}

/** A server where these items are open; those above 100 cannot be read. */
function server(open: readonly number[]) {
  const orders: Order[] = [];
  const state = { open: [...open], fail: false };
  vi.stubGlobal("fetch", (_path: string, { body }: { body: string }) => {
    const order = JSON.parse(body) as Order;
    orders.push(order);
    if (state.fail) return Promise.resolve(new Response(JSON.stringify({ detail: "Away." }), { status: 503 }));
    const ids = state.open.filter((id) => order.select.ids?.includes(id) ?? true);
    const items = ids.map((id): Outcome => {
      const good = order.dry_run ? "readable" : "stored";
      return { id, outcome: id > 100 ? "failed" : good, detail: "" };
    });
    if (!order.dry_run) state.open = state.open.filter((id) => id > 100 || !ids.includes(id));
    return Promise.resolve(Response.json({ matched: ids.length, resolved: 0, failed: 0, items }));
  });
  return { orders, state };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

test("nothing is tried before it was looked at, and then exactly what was looked at, a few at a time", async () => {
  const { orders, state } = server(numbers(120));
  const retry = useRetry({ reason: "no_kind" });
  await retry.look();
  expect(retry.step.value).toBe("ready");
  expect(orders).toEqual([{ select: { reason: "no_kind" }, dry_run: true }]);
  // What comes meanwhile is not touched; what somebody else has resolved is left out.
  state.open = [...state.open.filter((id) => id !== 7), 121];
  await Promise.all([retry.run(), retry.run()]);
  expect(orders.slice(1).map(({ select }) => select.ids?.length)).toEqual([50, 50, 20]);
  expect(retry.step.value).toBe("done");
  expect(retry.tried.value).toBe(120);
  expect(retry.outcomes.value).toHaveLength(119);
  expect(state.open.filter((id) => id <= 100)).toEqual([]);
  expect(state.open).toContain(121);
});

test("it stops when told to, between two requests", async () => {
  const { state } = server(numbers(100));
  const retry = useRetry({});
  await retry.look();
  const running = retry.run();
  retry.stop();
  await running;
  expect(retry.step.value).toBe("done");
  expect(retry.left.value).toHaveLength(50);
  expect(state.open).toHaveLength(50);
});

test("a failure is told, and it goes on from there", async () => {
  const { state } = server(numbers(60));
  const retry = useRetry({});
  state.fail = true;
  await retry.look();
  expect([retry.step.value, retry.problem.value]).toEqual(["looking", "Away."]);
  state.fail = false;
  await retry.look();
  state.fail = true;
  await retry.run();
  expect([retry.step.value, retry.problem.value, retry.left.value.length]).toEqual(["ready", "Away.", 60]);
  state.fail = false;
  await retry.run();
  expect([retry.step.value, retry.problem.value, retry.outcomes.value.length]).toEqual(["done", null, 60]);
});
