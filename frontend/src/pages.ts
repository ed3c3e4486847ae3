/** Every page, named once: the router, the navigation, the shortcuts and the command palette read this table. */

import type { Component } from "vue";
import type { IconName } from "./components/AppIcon.vue";
import { NAMES } from "./pages/addresses";
import { has } from "./session";

export interface Page {
  readonly path: string;
  readonly title: string;
  readonly component: Component | (() => Promise<unknown>);
  /** Where the navigation lists the page: for all users, for operators and admins, or in the user's menu. */
  readonly place?: "main" | "operate" | "user";
  readonly icon?: IconName;
  /** The key that follows `g` to open the page. */
  readonly key?: string;
  /** Other words under which the palette finds the page. */
  readonly words?: string;
  /** Users with this role or a higher one see the page; without it, all users. The server enforces the same rule. */
  readonly role?: "operator" | "admin";
  /** Nobody has to be signed in. */
  readonly open?: true;
  /** Whether parts of the path are properties of the component. */
  readonly props?: true;
}

export const PAGES: readonly Page[] = [
  {
    path: "/",
    title: "Events",
    component: () => import("./pages/events/EventsPage.vue"),
    place: "main",
    icon: "events",
    key: "e",
    words: "search list activity",
  },
  {
    path: "/stats",
    title: "Statistics",
    component: () => import("./pages/stats/StatsPage.vue"),
    place: "main",
    icon: "chart",
    key: "s",
    words: "rates chart report",
  },
  {
    path: "/notifications",
    title: "Notifications",
    component: () => import("./pages/notifications/NotificationsPage.vue"),
    place: "main",
    icon: "bell",
    key: "n",
    words: "history unread",
  },
  {
    path: "/notifications/rules",
    title: "Rules",
    component: () => import("./pages/rules/RulesPage.vue"),
    words: "notification rules",
  },
  { path: "/messages/:id", title: "Message", component: () => import("./pages/message/MessagePage.vue"), props: true },
  {
    path: "/recipients/:email",
    title: "Recipient",
    component: () => import("./pages/recipient/RecipientPage.vue"),
    props: true,
  },
  ...Object.values(NAMES).map(({ segment, title }) => ({
    path: `/:segment(${segment})/:name`,
    title,
    component: () => import("./pages/name/NamePage.vue"),
    props: true as const,
  })),
  {
    path: "/quarantine",
    title: "Quarantine",
    component: () => import("./pages/quarantine/QuarantinePage.vue"),
    place: "operate",
    icon: "box",
    key: "q",
    words: "failed dead letters retry",
    role: "operator",
  },
  {
    path: "/refusals",
    title: "Refusals",
    component: () => import("./pages/refusals/RefusalsPage.vue"),
    place: "operate",
    icon: "barred",
    key: "r",
    words: "signature rejected deliveries",
    role: "operator",
  },
  {
    path: "/system",
    title: "System",
    component: () => import("./pages/system/SystemPage.vue"),
    place: "operate",
    icon: "pulse",
    key: "y",
    words: "health doctor checks",
    role: "operator",
  },
  {
    path: "/users",
    title: "Users",
    component: () => import("./pages/users/UsersPage.vue"),
    place: "operate",
    icon: "people",
    key: "u",
    words: "accounts invite",
    role: "admin",
  },
  {
    path: "/tokens",
    title: "Tokens",
    component: () => import("./pages/tokens/TokensPage.vue"),
    place: "operate",
    icon: "key",
    key: "t",
    words: "api keys",
    role: "admin",
  },
  {
    path: "/audit",
    title: "Audit",
    component: () => import("./pages/audit/AuditPage.vue"),
    place: "operate",
    icon: "paper",
    key: "l",
    words: "log who did what",
    role: "admin",
  },
  {
    path: "/simulate",
    title: "Simulate",
    component: () => import("./pages/simulate/SimulatePage.vue"),
    place: "operate",
    icon: "flask",
    key: "m",
    words: "test batch",
    role: "operator",
  },
  {
    path: "/account",
    title: "Account",
    component: () => import("./pages/account/AccountPage.vue"),
    place: "user",
    icon: "key",
    key: "a",
    words: "password sessions",
  },
  {
    path: "/docs",
    title: "API",
    component: () => import("./pages/docs/DocsPage.vue"),
    place: "user",
    icon: "list",
    key: "d",
    words: "documentation reference",
  },
  {
    path: "/invitation",
    title: "Invitation",
    component: () => import("./pages/invitation/InvitationPage.vue"),
    open: true,
  },
  { path: "/sign-in", title: "Sign in", component: () => import("./pages/sign-in/SignInPage.vue"), open: true },
  { path: "/:rest(.*)*", title: "Not found", component: () => import("./pages/NotFoundPage.vue") },
];

/** The pages that the signed-in user may open and that need no further information. */
export function pagesOfUser(): readonly Page[] {
  return PAGES.filter((page) => !page.open && !page.path.includes(":") && has(page.role));
}
