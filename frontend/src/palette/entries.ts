/** What the palette finds: pages, actions and saved views at once, and what is stored on the server a moment later. */

import { suggestValues } from "../api/complete";
import { newestEvents } from "../api/events";
import type { Filter, MailEvent } from "../api/types";
import type { IconName } from "../components/AppIcon.vue";
import { messagePath, recipientPath, valuePath } from "../pages/addresses";
import { pagesOfUser } from "../pages";
import { kindStyle } from "../pages/events/kinds";
import { reasonLabel } from "../pages/events/verdict";
import { shortcuts, theme, zone } from "../preferences";
import { queryPath, withTyped } from "../query/filter";
import { parseQuery } from "../query/parse";
import { views } from "../saved/views";
import { shownTime } from "../times/format";
import { counted } from "../words";
import { recentEntries } from "./recent";

export interface Entry {
  /** Unique among the entries shown. */
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly hint: string;
  readonly icon: IconName;
  /** The path to open, or what to do. */
  readonly to: string | (() => void);
}

/** What only the page's frame can do. */
export interface Actions {
  readonly showHelp: () => void;
  readonly signOut: () => void;
}

const MAX_OF_GROUP = 5;
/** The server is asked for texts of at least this length. */
const MIN_CHARS = 2;
/** Number of events in which messages are looked for. */
const EVENTS = 30;

function includes(text: string, ...words: (string | undefined)[]): boolean {
  const typed = text.trim().toLowerCase().split(/\s+/);
  const all = words.join(" ").toLowerCase();
  return typed.every((word) => all.includes(word));
}

/** Entries that need no server. Without a text: what was chosen last, the saved views and the pages. */
export function localEntries(text: string, actions: Actions): Entry[] {
  const recent = text === "" ? recentEntries() : [];
  const pages = pagesOfUser().filter(({ title, words }) => includes(text, title, words));
  const found = views.value.filter(({ name }) => includes(text, name));
  return [
    ...recent.map(({ title, hint, to }) => entry("Recent", "late", title, hint, to)),
    ...found.slice(0, MAX_OF_GROUP).map(({ name, query }) => entry("Saved views", "star", name, "", `/?${query}`)),
    ...pages.map(({ title, path, icon, key }) => entry("Pages", icon ?? "list", title, key ? `g ${key}` : "", path)),
    ...actionEntries(actions).filter(({ title }) => text !== "" && includes(text, title)),
  ];
}

function entry(group: string, icon: IconName, title: string, hint: string, to: Entry["to"]): Entry {
  return { id: `${group} ${title} ${typeof to === "string" ? to : ""}`, group, icon, title, hint, to };
}

function actionEntries({ showHelp, signOut }: Actions): Entry[] {
  const themes = (["light", "dark", "system"] as const).filter((one) => one !== theme.value);
  const isUtc = zone.value === "utc";
  return [
    ...themes.map((one) => entry("Actions", "eye", `Switch to the ${one} theme`, "", () => void (theme.value = one))),
    entry("Actions", "late", isUtc ? "Show times in the local zone" : "Show times in UTC", "", () => {
      zone.value = isUtc ? "local" : "utc";
    }),
    entry("Actions", "list", `Turn keyboard shortcuts ${shortcuts.value ? "off" : "on"}`, "", () => {
      shortcuts.value = !shortcuts.value;
    }),
    entry("Actions", "list", "Show the keyboard shortcuts", "?", showHelp),
    entry("Actions", "leave", "Sign out", "", signOut),
  ];
}

/** What the text means in the query bar; text that means nothing there is searched for as it is. */
function filterOf(text: string): Filter {
  const filter = withTyped({}, parseQuery(text));
  return Object.keys(filter).length > 0 ? filter : { q: text };
}

/** The search itself, which is always possible. */
export function searchEntry(text: string): Entry {
  return entry("Search", "search", `Events with “${text}”`, "", queryPath(filterOf(text)));
}

/** People, messages and names on the server. A source that fails is left out. */
export async function serverEntries(text: string): Promise<Entry[]> {
  if (text.trim().length < MIN_CHARS) return [];
  const named = async (
    field: string,
    group: string,
    icon: IconName,
    path: (value: string) => string,
  ): Promise<Entry[]> => {
    const values = await suggestValues(field, text.trim());
    return values
      .slice(0, MAX_OF_GROUP)
      .map(({ value, count }) => entry(group, icon, value, count === null ? "" : counted(count, "event"), path(value)));
  };
  const found = await Promise.allSettled([
    named("recipient", "Recipients", "people", recipientPath),
    named("template", "Templates", "paper", (value) => valuePath("template", value)),
    named("tag", "Tags", "flag", (value) => valuePath("tag", value)),
    named("subaccount", "Subaccounts", "people", (value) => valuePath("subaccount", value)),
    named("domain", "Domains", "list", (value) => valuePath("domain", value)),
    messageEntries(text.trim()),
  ]);
  const groups = found.flatMap((one) => (one.status === "fulfilled" && one.value.length > 0 ? [one.value] : []));
  // Who types a name in full means what has this name.
  const isNamed = (entries: Entry[]): boolean =>
    entries.some(({ title }) => title.toLowerCase() === text.trim().toLowerCase());
  return [...groups.filter(isNamed), ...groups.filter((entries) => !isNamed(entries))].flat();
}

/** Messages with this id, or with events that the text selects, each with the newest that is known of it. */
async function messageEntries(text: string): Promise<Entry[]> {
  const isId = /^[\w-]{8,}$/.test(text);
  const [byId, byWords] = await Promise.all([
    isId ? newestEvents({ message_id: text }, 1) : [],
    newestEvents(filterOf(text), EVENTS),
  ]);
  const messages = new Map<string, Entry>();
  for (const event of [...byId, ...byWords]) {
    const { message_id: id, subject } = event;
    if (id === null || messages.has(id) || messages.size >= MAX_OF_GROUP) continue;
    messages.set(id, entry("Messages", kindStyle(event.kind).icon, subject ?? id, newestOf(event), messagePath(id)));
  }
  return [...messages.values()];
}

/** `ada@example.com · Bounced: Mailbox full · 3 h` */
function newestOf({ recipient, kind, reason_class: reason, occurred_at: at }: MailEvent): string {
  const what = [kindStyle(kind).label, reasonLabel(reason)].filter(Boolean).join(": ");
  return [recipient, what, shownTime(Date.parse(at))].filter(Boolean).join(" · ");
}
