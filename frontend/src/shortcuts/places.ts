/** Where `g` and a letter lead. */

import type { Router } from "vue-router";
import { currentUser } from "../session";

const PLACES: readonly (readonly [key: string, path: string])[] = [
  ["e", "/"],
  ["s", "/stats"],
  ["n", "/notifications"],
  ["q", "/quarantine"],
  ["r", "/refusals"],
  ["y", "/system"],
  ["u", "/users"],
  ["t", "/tokens"],
  ["l", "/audit"],
  ["m", "/simulate"],
  ["a", "/account"],
  ["d", "/docs"],
];

export interface Place {
  readonly key: string;
  readonly path: string;
  readonly title: string;
}

/** Those that the signed-in user may see. */
export function placesOf(router: Router): Place[] {
  const known = new Set(router.getRoutes().map(({ path }) => path));
  return PLACES.filter(([, path]) => known.has(path)).flatMap(([key, path]) => {
    const { meta } = router.resolve(path);
    const isAllowed = meta["admin"] !== true || currentUser.value?.role === "admin";
    return isAllowed ? [{ key, path, title: String(meta["title"]) }] : [];
  });
}
