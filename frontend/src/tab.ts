/** The browser's tab: the page's title, and how much is unread, also while nobody looks at the page. */

import { computed, ref, watchEffect } from "vue";
import { unread } from "./live/notifications";
import { upTo99 } from "./words";

/** What the page is called. */
export const pageTitle = ref("");

/** How many are unread, as badges show it. */
export const unreadBadge = computed(() => upTo99(unread.value));

watchEffect(() => {
  const name = [pageTitle.value, "Mandrill Listener"].filter(Boolean).join(" · ");
  document.title = unread.value > 0 ? `(${unreadBadge.value}) ${name}` : name;
});

watchEffect(() => {
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (icon) icon.href = unread.value > 0 ? "/mark-unread.svg" : "/mark.svg";
});
