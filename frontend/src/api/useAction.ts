/** Something that a person has done by a button or form. */

import { ref } from "vue";

/** While it is under way, `busy` is true; if it fails, `problem` says why, until it is tried again. */
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
