/** The notification history that a view selects: pages from the server merged with the live feed. */

import { computed, onUnmounted, watch } from "vue";
import * as api from "../../api/client";
import type { InboxNotification, ReadMark } from "../../api/types";
import { listen } from "../../live/feed";
import { liveList } from "../../live/list";
import { isMarked, isOwn, withVerdict } from "../../live/notifications";
import { matchesView, queryOf, type View } from "./view";

/** Maximum length of the list in the page. */
const MAX_ITEMS = 2_000;

export function useHistory(view: () => View) {
  const list = liveList<InboxNotification>((cursor) => api.listNotifications(cursor, queryOf(view())), MAX_ITEMS);

  /** Marks notifications as read in place: the unread view keeps showing them until it is reloaded. */
  function applyRead(mark: ReadMark): void {
    list.update((item) => (!item.read && isMarked(item, mark) ? { ...item, read: true } : item));
  }

  const stop = listen({
    notification(notification) {
      const item = { ...notification, read: isOwn(notification) };
      if (matchesView(item, view())) list.add([item]);
    },
    read: applyRead,
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
    applyRead,
    hasOlder: computed(() => list.next.value !== null && list.items.value.length < MAX_ITEMS),
  };
}
