/** What a page fetches as a whole, and again when it is asked to. */

import { readonly, ref, shallowReadonly, shallowRef } from "vue";

/** Fetches at once, unless told to wait. An answer that was overtaken is dropped; what is there stays while, and after, a later fetch fails. */
export function useFetched<T>(fetch: () => Promise<T>, atOnce = true) {
  const value = shallowRef<T | null>(null);
  const loading = ref(false);
  const problem = ref<string | null>(null);
  let latest = 0;

  async function refresh(): Promise<void> {
    const mine = ++latest;
    loading.value = true;
    try {
      const fetched = await fetch();
      if (mine !== latest) return;
      value.value = fetched;
      problem.value = null;
    } catch (error) {
      if (mine === latest) problem.value = (error as Error).message;
    } finally {
      if (mine === latest) loading.value = false;
    }
  }

  if (atOnce) void refresh();
  return { value: shallowReadonly(value), loading: readonly(loading), problem: readonly(problem), refresh };
}
