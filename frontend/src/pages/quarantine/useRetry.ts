/**
 * Retries quarantined items: a dry run first, then exactly these items in batches. Using batches makes it possible to show progress
 * and to stop. Items that arrive after the dry run are not touched.
 */

import { readonly, ref, shallowReadonly, shallowRef } from "vue";
import * as api from "../../api/client";
import type { Outcome, Selection } from "../../api/types";

/** Items per request. */
const BATCH_SIZE = 50;

export type Step = "previewing" | "ready" | "running" | "done";

export function useRetry(select: Selection) {
  const step = ref<Step>("previewing");
  const preview = shallowRef<readonly Outcome[]>([]);
  const outcomes = shallowRef<readonly Outcome[]>([]);
  const remaining = shallowRef<readonly number[]>([]);
  const tried = ref(0);
  const problem = ref<string | null>(null);
  let stopped = false;

  /** Performs the dry run. What would be refused again is not retried. */
  async function loadPreview(): Promise<void> {
    problem.value = null;
    try {
      preview.value = (await api.previewRetry(select)).items;
      remaining.value = preview.value.filter(({ outcome }) => outcome !== "failed").map(({ id }) => id);
      step.value = "ready";
    } catch (error) {
      problem.value = (error as Error).message;
    }
  }

  /** Retries the remaining items until all are done, `stop` is called, or a request fails. Call it again to continue. */
  async function run(): Promise<void> {
    // A double click starts only one run.
    if (step.value === "running") return;
    stopped = false;
    problem.value = null;
    step.value = "running";
    try {
      while (remaining.value.length > 0 && !stopped) {
        const batch = remaining.value.slice(0, BATCH_SIZE);
        const { items } = await api.retryQuarantined(batch);
        outcomes.value = [...outcomes.value, ...items];
        remaining.value = remaining.value.slice(batch.length);
        tried.value += batch.length;
      }
      step.value = "done";
    } catch (error) {
      problem.value = (error as Error).message;
      step.value = "ready";
    }
  }

  return {
    step: readonly(step),
    preview: shallowReadonly(preview),
    outcomes: shallowReadonly(outcomes),
    /** Ids of the items still to be retried. */
    remaining: shallowReadonly(remaining),
    tried: readonly(tried),
    problem: readonly(problem),
    loadPreview,
    run,
    /** Stops after the current request. */
    stop(): void {
      stopped = true;
    },
  };
}
