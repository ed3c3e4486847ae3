/** What the list is filtered by: the names of `/api/events`, written by people as `kind:open -tag:vip some words`. */

import type { Filter } from "../../api/types";

/** Each name that a filter may have, besides `metadata.KEY`, with what it finds. */
export const NAMES: Readonly<Record<string, string>> = {
  q: "words anywhere in addresses, subject, tags and metadata",
  kind: "one kind, or several with commas: open,click",
  recipient: "the whole address written to",
  sender: "the whole address written from",
  subject: "a part of the subject",
  tag: "a whole tag",
  template: "the template's name",
  subaccount: "the subaccount's id",
  message_id: "the message's id",
  ip: "where an open or click came from",
  url: "the link that was clicked",
  simulated: "true or false",
  from: "received since: 90m, 24h, 7d or a time",
  to: "received before: the same",
};

/** Of these there is no opposite. */
const ONLY_INCLUDED = ["q", "subject", "simulated", "from", "to"];

function isName(name: string): boolean {
  const field = name.replace(/^not\./, "");
  if (field !== name) return canExclude(field);
  return Object.hasOwn(NAMES, name) || /^metadata\../.test(name);
}

/** Whether events with a value of this can be left out. */
export function canExclude(name: string): boolean {
  return !ONLY_INCLUDED.includes(name) && !name.startsWith("not.") && isName(name);
}

/** The filter within the query of an address; what is no filter is left out. */
export function filterOf(query: Readonly<Record<string, unknown>>): Filter {
  const pairs: [string, string | readonly string[]][] = [];
  for (const [name, value] of Object.entries(query)) {
    if (!isName(name)) continue;
    if (typeof value === "string" && value !== "") pairs.push([name, value]);
    if (!Array.isArray(value) || !name.startsWith("not.")) continue;
    const texts = [...new Set(value.filter((one) => typeof one === "string" && one !== ""))].sort() as string[];
    if (texts.length > 0) pairs.push([name, texts.length === 1 ? `${texts[0]}` : texts]);
  }
  return Object.fromEntries(pairs.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** `filter` with what somebody typed: names with values, quoted where they hold spaces, and words. */
export function typed(filter: Filter, text: string): Filter {
  let found = filter;
  for (const match of text.matchAll(/(?:(-?[\w.-]+):)?(?:"([^"]*)"|(\S+))/g)) {
    const value = match[2] ?? match[3] ?? "";
    if (value === "") continue;
    const name = match[1] === undefined ? "q" : nameOf(match[1]);
    found = isName(name) ? including(found, name, value) : including(found, "q", match[0]);
  }
  return filterOf(found);
}

/** The name as the server writes it: `-Kind` is `not.kind`; only keys of the metadata have capitals. */
function nameOf(written: string): string {
  const [sign, name] = written.startsWith("-") ? ["not.", written.slice(1)] : ["", written];
  const key = /^metadata\.(.*)$/i.exec(name)?.[1];
  return sign + (key === undefined ? name.toLowerCase() : `metadata.${key}`);
}

/** `filter` with one more condition. Words, kinds and what is left out add up; of anything else the last counts. */
export function including(filter: Filter, name: string, value: string): Filter {
  const before = filter[name];
  if (before === undefined) return filterOf({ ...filter, [name]: value });
  if (name.startsWith("not.")) return filterOf({ ...filter, [name]: [before, value].flat() });
  if (name === "q") return filterOf({ ...filter, q: `${before as string} ${value}` });
  if (name !== "kind") return filterOf({ ...filter, [name]: value });
  return filterOf({ ...filter, kind: [...new Set(`${before as string},${value}`.split(","))].join(",") });
}

/** `filter` with this and nothing else of that name; what left it out is dropped. */
export function only(filter: Filter, name: string, value: string): Filter {
  return filterOf({ ...without(filter, `not.${name}`, value), [name]: value });
}

/** `filter` without one of its names, or without one value of it. */
export function without(filter: Filter, name: string, value?: string): Filter {
  const rest = [filter[name] ?? []].flat().filter((one) => value !== undefined && one !== value);
  return filterOf({ ...filter, [name]: rest });
}

/** Each condition by itself. */
export function pairsOf(filter: Filter): (readonly [string, string])[] {
  return Object.entries(filter).flatMap(([name, value]) => [value].flat().map((one) => [name, `${one}`] as const));
}

/** A name as people type it. */
export function written(name: string): string {
  if (name === "q") return "words";
  return name.startsWith("not.") ? `not ${name.slice(4)}` : name;
}

export function isSame(one: Filter, other: Filter): boolean {
  return JSON.stringify(filterOf(one)) === JSON.stringify(filterOf(other));
}
