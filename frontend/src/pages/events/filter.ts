/** The filter of the list: the parameters of `/api/events`, typed by users as `kind:open -tag:vip some words`. */

import type { Filter } from "../../api/types";

/** Every filter name except `metadata.KEY`, with a description. */
export const FILTER_NAMES: Readonly<Record<string, string>> = {
  q: "words anywhere in addresses, subject, tags and metadata",
  kind: "one kind, or several with commas: open,click",
  recipient: "the whole address written to",
  sender: "the whole address written from",
  subject: "a part of the subject",
  tag: "a whole tag",
  template: "the template's name",
  subaccount: "the subaccount's id",
  reason_class: "why mail was not delivered, or several with commas: no_mailbox,no_domain",
  actor: "who opened or clicked, or several with commas: person,proxy",
  message_id: "the message's id",
  ip: "where an open or click came from",
  url: "the link that was clicked",
  simulated: "true or false",
  from: "received since: 90m, 24h, 7d or a time",
  to: "received before: the same",
};

/** Names whose value can be a list with commas. */
export const LISTS = ["kind", "reason_class", "actor"];
/** Names that cannot be negated with `not.`. */
const NOT_EXCLUDABLE = ["q", "subject", "simulated", "from", "to"];

function isName(name: string): boolean {
  const field = name.replace(/^not\./, "");
  if (field !== name) return canExclude(field);
  return Object.hasOwn(FILTER_NAMES, name) || /^metadata\../.test(name);
}

/** Whether this filter can be negated. */
export function canExclude(name: string): boolean {
  return !NOT_EXCLUDABLE.includes(name) && !name.startsWith("not.") && isName(name);
}

/** The filter in a URL query; other parameters are ignored. */
export function filterOf(query: Readonly<Record<string, unknown>>): Filter {
  const pairs: [string, string | readonly string[]][] = [];
  for (const [name, value] of Object.entries(query)) {
    if (!isName(name)) continue;
    if (typeof value === "string" && value !== "") pairs.push([name, value]);
    if (!Array.isArray(value) || !name.startsWith("not.")) continue;
    const texts = [...new Set(value.filter((text) => typeof text === "string" && text !== ""))].sort() as string[];
    if (texts.length > 0) pairs.push([name, texts.length === 1 ? `${texts[0]}` : texts]);
  }
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Adds typed text to `filter`: `name:value` pairs, with quotes around values that contain spaces, and search words. */
export function withTyped(filter: Filter, text: string): Filter {
  let result = filter;
  for (const match of text.matchAll(/(?:(-?[\w.-]+):)?(?:"([^"]*)"|(\S+))/g)) {
    const value = match[2] ?? match[3] ?? "";
    if (value === "") continue;
    const name = match[1] === undefined ? "q" : parseName(match[1]);
    result = isName(name) ? withCondition(result, name, value) : withCondition(result, "q", match[0]);
  }
  return filterOf(result);
}

/** Converts a typed name to a parameter name: `-Kind` to `not.kind`. Only metadata keys keep their case. */
function parseName(text: string): string {
  const [prefix, name] = text.startsWith("-") ? ["not.", text.slice(1)] : ["", text];
  const key = /^metadata\.(.*)$/i.exec(name)?.[1];
  return prefix + (key === undefined ? name.toLowerCase() : `metadata.${key}`);
}

/** Adds a condition. Search words, lists of values and exclusions accumulate; any other value replaces the previous one. */
export function withCondition(filter: Filter, name: string, value: string): Filter {
  const before = filter[name];
  if (before === undefined) return filterOf({ ...filter, [name]: value });
  if (name.startsWith("not.")) return filterOf({ ...filter, [name]: [before, value].flat() });
  if (name === "q") return filterOf({ ...filter, q: `${before as string} ${value}` });
  if (!LISTS.includes(name)) return filterOf({ ...filter, [name]: value });
  return filterOf({ ...filter, [name]: [...new Set(`${before as string},${value}`.split(","))].join(",") });
}

/** Sets the only value of `name`, and drops an exclusion of that value. */
export function withOnly(filter: Filter, name: string, value: string): Filter {
  return filterOf({ ...without(filter, `not.${name}`, value), [name]: value });
}

/** Removes a name, or one value of it. */
export function without(filter: Filter, name: string, value?: string): Filter {
  const rest = [filter[name] ?? []].flat().filter((one) => value !== undefined && one !== value);
  return filterOf({ ...filter, [name]: rest });
}

/** The conditions as name-value pairs, one for each value. */
export function conditionsOf(filter: Filter): (readonly [string, string])[] {
  return Object.entries(filter).flatMap(([name, value]) => [value].flat().map((one) => [name, `${one}`] as const));
}

/** The name as shown to users. */
export function displayName(name: string): string {
  if (name === "q") return "words";
  return name.startsWith("not.") ? `not ${name.slice(4)}` : name;
}

export function isSame(a: Filter, b: Filter): boolean {
  return JSON.stringify(filterOf(a)) === JSON.stringify(filterOf(b));
}
