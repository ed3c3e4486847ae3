/** One clock for every relative time on the page. */

import { readonly, ref } from "vue";

const now = ref(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

/** The current time in milliseconds, once a second. */
export const clock = readonly(now);

const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** The time in full, in the reader's zone. */
export function exact(then: number): string {
  return exactly.format(then);
}

const UNITS: readonly (readonly [number, string])[] = [
  [60, "s"],
  [60, "min"],
  [24, "h"],
  [365, "d"],
];

/** `3 s`, `12 min`, `5 h`, `40 d`, `2 y`: how long ago `then` was. */
export function ago(then: number, at: number): string {
  let count = Math.max(0, Math.floor((at - then) / 1000));
  for (const [size, unit] of UNITS) {
    if (count < size) return `${count} ${unit}`;
    count = Math.floor(count / size);
  }
  return `${count} y`;
}
