// Whether Mandrill sent it.

import { createHmac, timingSafeEqual } from "node:crypto";

/** True when `signature` is that of a form whose only field is `mandrill_events` with this value. */
export function isGenuine(key, url, value, signature) {
  // A repeated field is an array, a missing one undefined; neither was signed by Mandrill.
  if (typeof value !== "string" || typeof signature !== "string") return false;
  const expected = createHmac("sha1", key).update(url).update("mandrill_events").update(value).digest("base64");
  const given = Buffer.from(signature);
  const wanted = Buffer.from(expected);
  // timingSafeEqual demands equal lengths; that of a signature is no secret.
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
