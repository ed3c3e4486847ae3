/** The filter of the list: the parameters of `/api/events`, as the addresses of pages and saved views contain them. */

import { queryOf } from "../api/client";
import type { Filter } from "../api/types";
import { fieldOfParameter } from "./fields";
import type { Condition, Parsed } from "./parse";

/** Names whose value can be a list with commas. */
export const LISTS = ["kind", "reason_class", "actor"];

function isName(name: string): boolean {
  if (name === "q") return true;
  const field = fieldOfParameter(name);
  return field !== undefined && (!name.startsWith("not.") || field.excludable === true);
}

/** Whether this filter can be negated. */
export function canExclude(name: string): boolean {
  return fieldOfParameter(name)?.name === name && isName(`not.${name}`);
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

/** Applies typed text: its words and conditions replace those before on the same fields. Exclusions accumulate. */
export function withTyped(filter: Filter, typed: Parsed): Filter {
  const fields = typed.conditions.map(({ name }) => (name.startsWith("not.") ? null : fieldOfParameter(name)?.name));
  const kept = Object.entries(filter).filter(
    ([name]) => name.startsWith("not.") || !fields.includes(fieldOfParameter(name)?.name ?? ""),
  );
  return withConditions({ ...Object.fromEntries(kept), q: typed.words }, typed.conditions);
}

/** Adds conditions; each replaces the one of the same name. Exclusions accumulate. */
export function withConditions(filter: Filter, conditions: readonly Condition[]): Filter {
  let result = filter;
  for (const { name, value } of conditions) {
    result = name.startsWith("not.") ? withCondition(result, name, value) : { ...result, [name]: value };
  }
  return filterOf(result);
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

/** The name as shown to users: `to`, `not tag`, `tag begins with`. */
export function displayName(name: string): string {
  if (name === "q") return "words";
  const field = fieldOfParameter(name);
  const word = field?.words[0] ?? name;
  if (name.startsWith("not.")) return `not ${word}`;
  if (field === undefined || field.name === name) return word;
  return name.endsWith(".prefix") ? `${word} begins with` : `${word} contains`;
}

export function isSame(a: Filter, b: Filter): boolean {
  return JSON.stringify(filterOf(a)) === JSON.stringify(filterOf(b));
}

/** The path of the events page with this filter. */
export function queryPath(filter: Filter): string {
  return `/?${queryOf(filter)}`;
}
