/** The page that is being opened while its files are on their way. */

import { readonly, shallowRef } from "vue";
import type { RouteLocationNormalized, Router } from "vue-router";

/** In milliseconds. Pages whose files are here open sooner, and should not flash. */
const SHOWN_AFTER = 60;

const location = shallowRef<RouteLocationNormalized | null>(null);
/** Null while no other page is on its way. */
export const pendingPage = readonly(location);

export function trackPending(router: Router): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const settle = (): void => {
    clearTimeout(timer);
    location.value = null;
  };
  router.beforeEach((to, from) => {
    clearTimeout(timer);
    if (from.matched.length > 0 && to.path !== from.path) timer = setTimeout(() => (location.value = to), SHOWN_AFTER);
  });
  router.afterEach(settle);
  router.onError(settle);
}
