import { afterEach, expect, test, vi } from "vitest";
import type { Outcome } from "../../api/types";
import { useRetry } from "./useRetry";

afterEach(() => vi.unstubAllGlobals());

interface RetryRequest {
  readonly select: { readonly ids?: number[]; readonly reason?: string };
  readonly dry_run?: boolean;
}

/** A fake server with these open items. Items above 100 fail. */
function server(open: readonly number[]) {
  const requests: RetryRequest[] = [];
  const state = { open: [...open], fail: false };
  vi.stubGlobal("fetch", (_path: string, { body }: { body: string }) => {
    const request = JSON.parse(body) as RetryRequest;
    requests.push(request);
    if (state.fail) return Promise.resolve(new Response(JSON.stringify({ detail: "Unavailable." }), { status: 503 }));
    const ids = state.open.filter((id) => request.select.ids?.includes(id) ?? true);
    const items = ids.map((id): Outcome => {
      const success = request.dry_run ? "readable" : "stored";
      return { id, outcome: id > 100 ? "failed" : success, detail: "" };
    });
    if (!request.dry_run) state.open = state.open.filter((id) => id > 100 || !ids.includes(id));
    return Promise.resolve(Response.json({ matched: ids.length, resolved: 0, failed: 0, items }));
  });
  return { requests, state };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

test("a retry covers exactly the previewed items that can be read, in batches", async () => {
  const { requests, state } = server(numbers(120));
  const retry = useRetry({ reason: "no_kind" });
  await retry.loadPreview();
  expect(retry.step.value).toBe("ready");
  expect(requests).toEqual([{ select: { reason: "no_kind" }, dry_run: true }]);
  // Item 121 arrives after the preview and is not touched; item 7 was resolved elsewhere and has no outcome.
  state.open = [...state.open.filter((id) => id !== 7), 121];
  await Promise.all([retry.run(), retry.run()]);
  expect(requests.slice(1).map(({ select }) => select.ids?.length)).toEqual([50, 50]);
  expect(retry.step.value).toBe("done");
  expect(retry.tried.value).toBe(100);
  expect(retry.outcomes.value).toHaveLength(99);
  expect(state.open.filter((id) => id <= 100)).toEqual([]);
  expect(state.open).toContain(121);
});

test("stop() ends the retry between two requests", async () => {
  const { state } = server(numbers(100));
  const retry = useRetry({});
  await retry.loadPreview();
  const running = retry.run();
  retry.stop();
  await running;
  expect(retry.step.value).toBe("done");
  expect(retry.remaining.value).toHaveLength(50);
  expect(state.open).toHaveLength(50);
});

test("a failed request is reported and the retry continues from there", async () => {
  const { state } = server(numbers(60));
  const retry = useRetry({});
  state.fail = true;
  await retry.loadPreview();
  expect([retry.step.value, retry.problem.value]).toEqual(["previewing", "Unavailable."]);
  state.fail = false;
  await retry.loadPreview();
  state.fail = true;
  await retry.run();
  expect([retry.step.value, retry.problem.value, retry.remaining.value.length]).toEqual(["ready", "Unavailable.", 60]);
  state.fail = false;
  await retry.run();
  expect([retry.step.value, retry.problem.value, retry.outcomes.value.length]).toEqual(["done", null, 60]);
});
