/** State of an action started by a button or form. */

import { ref } from "vue";

/** `busy` is true while the action runs. If it fails, `problem` holds the message until the next run. */
export function useAction(explain: (error: unknown) => string = (error) => (error as Error).message) {
  const busy = ref(false);
  const problem = ref<string | null>(null);

  async function run(work: () => Promise<unknown>): Promise<void> {
    busy.value = true;
    problem.value = null;
    try {
      await work();
    } catch (error) {
      problem.value = explain(error);
    } finally {
      busy.value = false;
    }
  }

  return { busy, problem, run };
}
