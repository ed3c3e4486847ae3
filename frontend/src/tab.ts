/** The title and icon of the browser tab, with the number of unread notifications. */

import { computed, ref, watchEffect } from "vue";
import { unread } from "./live/notifications";
import { upTo99 } from "./words";

/** Title of the current page. */
export const pageTitle = ref("");

/** The unread count as badges show it. */
export const unreadBadge = computed(() => upTo99(unread.value));

watchEffect(() => {
  const name = [pageTitle.value, "Mandrill Listener"].filter(Boolean).join(" · ");
  document.title = unread.value > 0 ? `(${unreadBadge.value}) ${name}` : name;
});

watchEffect(() => {
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (icon) icon.href = unread.value > 0 ? "/mark-unread.svg" : "/mark.svg";
});
