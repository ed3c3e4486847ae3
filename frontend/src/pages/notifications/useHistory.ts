/** The notification history that a view selects: pages from the server merged with the live feed. */

import { computed, onUnmounted, watch } from "vue";
import * as api from "../../api/client";
import type { InboxNotification, ReadMark, UnreadMark } from "../../api/types";
import { listen } from "../../live/feed";
import { liveList } from "../../live/list";
import { isOwn, withMark, withVerdict } from "../../live/notifications";
import { matchesView, queryOf, type View } from "./view";

/** Maximum length of the list in the page. */
const MAX_ITEMS = 2_000;

export function useHistory(view: () => View) {
  const list = liveList<InboxNotification>((cursor) => api.listNotifications(cursor, queryOf(view())), MAX_ITEMS);

  /** Marks notifications in place: the unread view keeps showing what is read until it is reloaded. */
  function applyMark(mark: ReadMark | UnreadMark): void {
    list.update((item) => withMark(item, mark));
  }

  const stop = listen({
    notification(notification) {
      const item = { ...notification, read: isOwn(notification) };
      if (matchesView(item, view())) list.add([item]);
    },
    read: applyMark,
    unread: applyMark,
    changed: (verdict) => list.update((item) => withVerdict(item, verdict)),
    refetch: () => void list.refill(),
  });
  watch(
    () => JSON.stringify(view()),
    () => {
      list.clear();
      void list.refill();
    },
    { immediate: true },
  );
  onUnmounted(() => {
    stop();
    list.clear();
  });

  return {
    ...list,
    applyMark,
    hasOlder: computed(() => list.next.value !== null && list.items.value.length < MAX_ITEMS),
  };
}
