/** The addresses of users by id, fetched once they are needed. */

import { shallowRef } from "vue";
import { listUsers } from "../api/client";

const addresses = shallowRef<ReadonlyMap<number, string> | null>(null);
let isAsked = false;

/** The address of a user; null until it is known. */
export function addressOf(id: number): string | null {
  if (!isAsked) {
    isAsked = true;
    void listUsers().then(
      ({ items }) => (addresses.value = new Map(items.map((user) => [user.id, user.email]))),
      () => (isAsked = false),
    );
  }
  return addresses.value?.get(id) ?? null;
}
