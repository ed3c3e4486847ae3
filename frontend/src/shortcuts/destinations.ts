/** The pages opened by pressing `g` followed by a letter. */

import type { Router } from "vue-router";
import { currentUser } from "../session";

const DESTINATIONS: readonly (readonly [key: string, path: string])[] = [
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

export interface Destination {
  readonly key: string;
  readonly path: string;
  readonly title: string;
}

/** The pages that the signed-in user is allowed to see. */
export function destinationsFor(router: Router): Destination[] {
  const paths = new Set(router.getRoutes().map(({ path }) => path));
  return DESTINATIONS.filter(([, path]) => paths.has(path)).flatMap(([key, path]) => {
    const { meta } = router.resolve(path);
    const isAllowed = meta["admin"] !== true || currentUser.value?.role === "admin";
    return isAllowed ? [{ key, path, title: String(meta["title"]) }] : [];
  });
}
