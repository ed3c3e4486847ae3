/** The list of a view, page by page, and what is open by reason. */

import { computed, onUnmounted, readonly, shallowReadonly, shallowRef, watch } from "vue";
import * as api from "../../api/client";
import type { QuarantineGroup, QuarantineItem } from "../../api/types";
import { liveList } from "../../live/list";
import { setOpenGroups } from "../../live/quarantined";
import type { View } from "./view";

/** The longest list kept in the page. */
const MOST = 5_000;

export function useQuarantine(view: () => View) {
  const groups = shallowRef<readonly QuarantineGroup[]>([]);
  const list = liveList<QuarantineItem>(async (cursor) => {
    const page = await api.listQuarantine(view().state, view().reason, cursor);
    groups.value = page.open;
    setOpenGroups(page.open);
    return page;
  }, MOST);

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
    hasOlder: readonly(computed(() => list.next.value !== null && list.items.value.length < MOST)),
  };
}
