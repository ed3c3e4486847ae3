/** What the signed-in user was told, as far as a view shows it: page by page, with what comes live. */

import { computed, onUnmounted, watch } from "vue";
import * as api from "../../api/client";
import type { InboxNotification, ReadMark } from "../../api/types";
import { listen } from "../../live/feed";
import { liveList } from "../../live/list";
import { isMarked, isOwn } from "../../live/notifications";
import { belongs, queryOf, type View } from "./view";

/** The longest list kept in the page. */
const MOST = 2_000;

export function useHistory(view: () => View) {
  const list = liveList<InboxNotification>((cursor) => api.listNotifications(cursor, queryOf(view())), MOST);

  /** What is read while one looks stays where it is, also among the unread. */
  function take(mark: ReadMark): void {
    list.update((one) => (!one.read && isMarked(one, mark) ? { ...one, read: true } : one));
  }

  const stop = listen({
    notification(one) {
      const told = { ...one, read: isOwn(one) };
      if (belongs(told, view())) list.add([told]);
    },
    read: take,
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
    take,
    hasOlder: computed(() => list.next.value !== null && list.items.value.length < MOST),
  };
}
