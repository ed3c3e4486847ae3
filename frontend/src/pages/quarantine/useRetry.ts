/**
 * Trying items again: first what would happen, then, once that is confirmed, the very items that were looked at, a few at a
 * time. So it is seen how far it is, it can be stopped, and what comes meanwhile is not touched.
 */

import { readonly, ref, shallowReadonly, shallowRef } from "vue";
import * as api from "../../api/client";
import type { Outcome, Selection } from "../../api/types";

/** Items in one request. */
const AT_ONCE = 50;

export type Step = "looking" | "ready" | "running" | "done";

export function useRetry(select: Selection) {
  const step = ref<Step>("looking");
  const foreseen = shallowRef<readonly Outcome[]>([]);
  const outcomes = shallowRef<readonly Outcome[]>([]);
  const left = shallowRef<readonly number[]>([]);
  const tried = ref(0);
  const problem = ref<string | null>(null);
  let stopped = false;

  /** Asks what would happen. */
  async function look(): Promise<void> {
    problem.value = null;
    try {
      foreseen.value = (await api.previewRetry(select)).items;
      left.value = foreseen.value.map(({ id }) => id);
      step.value = "ready";
    } catch (error) {
      problem.value = (error as Error).message;
    }
  }

  /** Tries what is left, until it is done, stopped, or a request fails: then it can go on from there. */
  async function run(): Promise<void> {
    // Two clicks are one order.
    if (step.value === "running") return;
    stopped = false;
    problem.value = null;
    step.value = "running";
    try {
      while (left.value.length > 0 && !stopped) {
        const some = left.value.slice(0, AT_ONCE);
        const { items } = await api.retryQuarantined(some);
        outcomes.value = [...outcomes.value, ...items];
        left.value = left.value.slice(some.length);
        tried.value += some.length;
      }
      step.value = "done";
    } catch (error) {
      problem.value = (error as Error).message;
      step.value = "ready";
    }
  }

  return {
    step: readonly(step),
    foreseen: shallowReadonly(foreseen),
    outcomes: shallowReadonly(outcomes),
    /** Those still to be tried. */
    left: shallowReadonly(left),
    tried: readonly(tried),
    problem: readonly(problem),
    look,
    run,
    /** Lets what is under way end, and tries no more. */
    stop(): void {
      stopped = true;
    },
  };
}
