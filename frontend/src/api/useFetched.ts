/** Data that a page fetches as a whole and can refresh. */

import { computed, readonly, ref, shallowReadonly, shallowRef, watch } from "vue";

/**
 * Fetches right away unless `immediate` is false. Responses to all but the latest request are ignored. The previous value is kept
 * during a refresh and after a failed refresh.
 */
export function useFetched<T>(fetch: () => Promise<T>, immediate = true) {
  const value = shallowRef<T | null>(null);
  const loading = ref(false);
  const problem = ref<string | null>(null);
  let latest = 0;

  async function refresh(): Promise<void> {
    const id = ++latest;
    loading.value = true;
    try {
      const fetched = await fetch();
      if (id !== latest) return;
      value.value = fetched;
      problem.value = null;
    } catch (error) {
      if (id === latest) problem.value = (error as Error).message;
    } finally {
      if (id === latest) loading.value = false;
    }
  }

  if (immediate) void refresh();
  return { value: shallowReadonly(value), loading: readonly(loading), problem: readonly(problem), refresh };
}

/** Data about a value, fetched for each value that is not null. Null until it is known for the present value. */
export function useFetchedFor<Value extends object, T>(value: () => Value | null, fetch: (value: Value) => Promise<T>) {
  const fetched = useFetched(async () => {
    const of = value();
    return { of, found: of === null ? null : await fetch(of) };
  }, false);
  watch(value, () => void fetched.refresh());
  return {
    ...fetched,
    value: computed(() => (fetched.value.value?.of === value() ? (fetched.value.value?.found ?? null) : null)),
  };
}
