/** Whether somebody has paused what is shown live. The socket goes on; what comes waits, and is counted. */

import { ref } from "vue";

export const paused = ref(false);
/** How many wait; null where nothing can be paused. */
export const waitingNow = ref<number | null>(null);
