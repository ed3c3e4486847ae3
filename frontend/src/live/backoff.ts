/** How long to wait before connecting again: full jitter, so that many clients do not come back at once. */

const FIRST = 500;
const LONGEST = 30_000;

/** Milliseconds before attempt `attempt` (0 is the first); `random` lies in [0, 1). */
export function backoff(attempt: number, random: number): number {
  return Math.round(random * Math.min(LONGEST, FIRST * 2 ** attempt));
}
