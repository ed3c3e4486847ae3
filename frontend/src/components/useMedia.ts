/** Whether a media query matches, updated while the component is mounted. */

import { onUnmounted, readonly, ref } from "vue";

export function useMedia(query: string) {
  const media = matchMedia(query);
  const matches = ref(media.matches);
  const update = (): void => void (matches.value = media.matches);
  media.addEventListener("change", update);
  onUnmounted(() => media.removeEventListener("change", update));
  return readonly(matches);
}
