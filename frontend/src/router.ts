/**
 * All routes. Users who are not signed in are redirected to the sign-in page and return afterwards. `App.vue` shows routes with
 * `meta.admin` only to admins; the server enforces the same rule.
 */

import { nextTick } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import EventsPage from "./pages/events/EventsPage.vue";
import { trackLocation } from "./saved/views";
import { currentUser } from "./session";
import { pageTitle } from "./tab";

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", component: EventsPage, meta: { title: "Events" } },
    {
      path: "/notifications",
      component: () => import("./pages/notifications/NotificationsPage.vue"),
      meta: { title: "Notifications" },
    },
    {
      path: "/notifications/rules",
      component: () => import("./pages/rules/RulesPage.vue"),
      meta: { title: "Rules" },
    },
    {
      path: "/stats",
      component: () => import("./pages/stats/StatsPage.vue"),
      meta: { title: "Statistics" },
    },
    {
      path: "/messages/:id",
      component: () => import("./pages/message/MessagePage.vue"),
      props: true,
      meta: { title: "Message" },
    },
    {
      path: "/recipients/:email",
      component: () => import("./pages/recipient/RecipientPage.vue"),
      props: true,
      meta: { title: "Recipient" },
    },
    {
      path: "/quarantine",
      component: () => import("./pages/quarantine/QuarantinePage.vue"),
      meta: { title: "Quarantine", admin: true },
    },
    {
      path: "/refusals",
      component: () => import("./pages/refusals/RefusalsPage.vue"),
      meta: { title: "Refusals", admin: true },
    },
    {
      path: "/system",
      component: () => import("./pages/system/SystemPage.vue"),
      meta: { title: "System", admin: true },
    },
    {
      path: "/simulate",
      component: () => import("./pages/simulate/SimulatePage.vue"),
      meta: { title: "Simulate", admin: true },
    },
    {
      path: "/users",
      component: () => import("./pages/users/UsersPage.vue"),
      meta: { title: "Users", admin: true },
    },
    {
      path: "/tokens",
      component: () => import("./pages/tokens/TokensPage.vue"),
      meta: { title: "Tokens", admin: true },
    },
    {
      path: "/audit",
      component: () => import("./pages/audit/AuditPage.vue"),
      meta: { title: "Audit", admin: true },
    },
    {
      path: "/account",
      component: () => import("./pages/account/AccountPage.vue"),
      meta: { title: "Account" },
    },
    {
      path: "/docs",
      component: () => import("./pages/docs/DocsPage.vue"),
      meta: { title: "API" },
    },
    {
      path: "/invitation",
      component: () => import("./pages/invitation/InvitationPage.vue"),
      meta: { title: "Invitation", open: true },
    },
    {
      path: "/sign-in",
      component: () => import("./pages/sign-in/SignInPage.vue"),
      meta: { title: "Sign in", open: true },
    },
    {
      path: "/:rest(.*)*",
      component: () => import("./pages/NotFoundPage.vue"),
      meta: { title: "Not found" },
    },
  ],
});

router.beforeEach((to) => {
  if (currentUser.value === null && to.meta["open"] !== true) {
    return { path: "/sign-in", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
  }
  if (currentUser.value !== null && to.path === "/sign-in") return "/";
  return true;
});

router.afterEach((to, from) => {
  trackLocation(to.path, to.query);
  pageTitle.value = String(to.meta["title"]);
  // Focus the new page's heading so that screen readers announce it. The initial page load needs no announcement.
  if (from.matched.length > 0 && to.path !== from.path) void nextTick(() => document.querySelector("h1")?.focus());
});

// After a deployment, the chunk of a page that is not loaded yet may have a new name. Reload to get the new version, at most once
// per path.
router.onError((_error, to) => {
  const key = `reloaded ${to.fullPath}`;
  if (sessionStorage.getItem(key) !== null) return;
  sessionStorage.setItem(key, "");
  location.assign(to.fullPath);
});
