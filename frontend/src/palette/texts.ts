/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  findAnything: "Find anything",
  aPersonASubject: "A person, a subject, an id, a page…",
  found: "Found",
  theSearchCannotBe: "The search cannot be loaded: the server cannot be reached.",
  loading: "Loading…",
} as const;
