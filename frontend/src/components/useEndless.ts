/** Fetches more of a list when its end comes near. */

import { type Ref, watch } from "vue";

/** A list that is fetched page by page. */
export interface Growing {
  readonly items: Readonly<Ref<readonly unknown[]>>;
  readonly hasOlder: Readonly<Ref<boolean>>;
  readonly loading: Readonly<Ref<boolean>>;
  readonly problem: Readonly<Ref<string | null>>;
  readonly searchedTo: Readonly<Ref<string | null>>;
  readonly older: () => Promise<void>;
}

/**
 * Returns what to do when the end of the list is near. A search that takes long goes on only if the user has scrolled further down: otherwise, a
 * page that is merely open would search everything.
 */
export function useEndless({ hasOlder, loading, problem, searchedTo, older }: Growing): () => void {
  let scrolledTo = 0;
  watch(searchedTo, (to) => {
    if (to === null) scrolledTo = 0;
  });
  return () => {
    if (!hasOlder.value || loading.value || problem.value !== null) return;
    if (searchedTo.value !== null && scrollY <= scrolledTo) return;
    scrolledTo = scrollY;
    void older();
  };
}
