// Verifies Mandrill's signature.

import { createHmac, timingSafeEqual } from "node:crypto";

/** Whether `signature` matches a form whose only field is `mandrill_events` with this value. */
export function isGenuine(key, url, value, signature) {
  // A repeated field is an array and a missing one is undefined. Mandrill signs neither.
  if (typeof value !== "string" || typeof signature !== "string") return false;
  const mac = createHmac("sha1", key).update(url).update("mandrill_events").update(value).digest("base64");
  const actual = Buffer.from(signature);
  const expected = Buffer.from(mac);
  // timingSafeEqual requires equal lengths. The length of a signature is not secret.
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
