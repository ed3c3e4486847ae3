/**
 * The routes of all pages. Users who are not signed in are redirected to the sign-in page and return afterwards. `App.vue` shows routes with
 * `meta.role` only to users who have it; the server enforces the same rule.
 */

import { nextTick } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import { dismissNotice, tellOfMissing } from "./build";
import { PAGES } from "./pages";
import { trackPending } from "./pending";
import { trackLocation } from "./saved/views";
import { currentUser } from "./session";
import { pageTitle } from "./tab";

export const router = createRouter({
  history: createWebHistory(),
  // Back and Forward return to the place on the page; another page begins at its top.
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
  routes: PAGES.map(({ path, component, title, role, open, props }) => ({
    path,
    component,
    ...(props && { props }),
    meta: { title, role, open },
  })),
});

trackPending(router);

router.beforeEach((to) => {
  if (currentUser.value === null && to.meta["open"] !== true) {
    return { path: "/sign-in", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
  }
  if (currentUser.value !== null && to.path === "/sign-in") return "/";
  return true;
});

router.afterEach((to, from, failure) => {
  if (!failure && to.path !== from.path) dismissNotice();
  trackLocation(to.path, to.query);
  pageTitle.value = String(to.meta["title"]);
  // Focus the new page's heading so that screen readers announce it, unless the page has focused something itself. The initial page load needs
  // no announcement.
  if (from.matched.length === 0 || to.path === from.path) return;
  void nextTick(() => {
    if (document.activeElement?.closest("main") == null) document.querySelector("h1")?.focus();
  });
});

// The page that is open stays as it is.
router.onError((_error, to) => void tellOfMissing(to.fullPath));
