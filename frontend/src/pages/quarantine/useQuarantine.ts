/** The items of a view, page by page, and the open items by reason. */

import { computed, onUnmounted, readonly, shallowReadonly, shallowRef, watch } from "vue";
import * as api from "../../api/client";
import type { QuarantineGroup, QuarantineItem } from "../../api/types";
import { liveList } from "../../live/list";
import { setOpenGroups } from "../../live/attention";
import type { View } from "./view";

/** Maximum length of the list in the page. */
const MAX_ITEMS = 5_000;

export function useQuarantine(view: () => View) {
  const groups = shallowRef<readonly QuarantineGroup[]>([]);
  const list = liveList<QuarantineItem>(async (cursor) => {
    const page = await api.listQuarantine(view().state, view().reason, cursor);
    groups.value = page.open;
    setOpenGroups(page.open);
    return page;
  }, MAX_ITEMS);

  watch(
    [() => view().state, () => view().reason],
    () => {
      list.clear();
      void list.refill();
    },
    { immediate: true },
  );
  onUnmounted(list.clear);

  return {
    ...list,
    groups: shallowReadonly(groups),
    hasOlder: readonly(computed(() => list.next.value !== null && list.items.value.length < MAX_ITEMS)),
  };
}
