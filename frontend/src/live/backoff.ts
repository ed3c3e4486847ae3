/** Exponential backoff with full jitter, so that many clients do not reconnect at the same time. */

/** In milliseconds. */
const BASE_DELAY = 500;
const MAX_DELAY = 30_000;

/** Returns the delay in milliseconds before attempt `attempt`, counted from 0. `random` is in [0, 1). */
export function backoff(attempt: number, random: number): number {
  return Math.round(random * Math.min(MAX_DELAY, BASE_DELAY * 2 ** attempt));
}
