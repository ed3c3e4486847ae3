/** What the list is filtered by: the names of `/api/events`, written by people as `kind:open tag:vip some words`. */

export type Filter = Readonly<Record<string, string>>;

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
};

function isName(name: string): boolean {
  return Object.hasOwn(NAMES, name) || /^metadata\../.test(name);
}

/** The filter within the query of an address; what is no filter is left out. */
export function filterOf(query: Readonly<Record<string, unknown>>): Filter {
  const pairs = Object.entries(query).filter(
    (pair): pair is [string, string] => isName(pair[0]) && typeof pair[1] === "string" && pair[1] !== "",
  );
  return Object.fromEntries(pairs.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** `filter` with what somebody typed: names with values, quoted where they hold spaces, and words. */
export function typed(filter: Filter, text: string): Filter {
  const found: Record<string, string> = { ...filter };
  for (const match of text.matchAll(/(?:([\w.-]+):)?(?:"([^"]*)"|(\S+))/g)) {
    const value = match[2] ?? match[3] ?? "";
    const name = match[1]?.toLowerCase() ?? "q";
    const key = name.startsWith("metadata.") ? `metadata.${match[1]?.slice(9)}` : name;
    if (value === "") continue;
    if (!isName(key)) add(found, "q", match[0]);
    else add(found, key, value);
  }
  return filterOf(found);
}

/** Words and kinds add up; of anything else the last counts. */
function add(filter: Record<string, string>, name: string, value: string): void {
  const before = filter[name];
  if (before === undefined || (name !== "q" && name !== "kind")) filter[name] = value;
  else if (name === "q") filter[name] = `${before} ${value}`;
  else filter[name] = [...new Set(`${before},${value}`.split(","))].join(",");
}

/** `filter` without one of its names. */
export function without(filter: Filter, name: string): Filter {
  return Object.fromEntries(Object.entries(filter).filter(([other]) => other !== name));
}

export function isSame(one: Filter, other: Filter): boolean {
  return JSON.stringify(filterOf(one)) === JSON.stringify(filterOf(other));
}
