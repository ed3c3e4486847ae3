/** Pausing the live list. The socket stays open; new events are held back and counted. */

import { ref } from "vue";

export const paused = ref(false);
/** Number of events held back; null on pages that cannot be paused. */
export const pausedCount = ref<number | null>(null);
