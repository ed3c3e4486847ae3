/** Flattens a payload into the lines of a collapsible tree. */

import { ExactNumber, stringifyExactly } from "../../api/json";

export interface Line {
  /** The path of the value: `msg.tags[0]`. */
  readonly path: string;
  readonly key: string;
  readonly depth: number;
  readonly value: unknown;
  /** The value, or the number of children in brackets. */
  readonly text: string;
  /** Whether the children are shown; null for scalar values. */
  readonly open: boolean | null;
}

export interface Lines {
  readonly lines: readonly Line[];
  /** Whether `MAX_LINES` was reached. */
  readonly truncated: boolean;
}

/** An inbound message can contain thousands of headers. */
const MAX_LINES = 1_000;
/** Longer strings are truncated. */
const MAX_TEXT = 300;

/**
 * Returns the lines of all expanded nodes. During a search, returns only the lines whose key or value matches and their parents,
 * whether expanded or not.
 */
export function linesOf(payload: unknown, isOpen: (path: string, depth: number) => boolean, search = ""): Lines {
  const lines: Line[] = [];
  const term = search.trim().toLowerCase();
  let truncated = false;

  function walk(key: string, path: string, value: unknown, depth: number): void {
    if (lines.length >= MAX_LINES) {
      truncated = true;
      return;
    }
    const children = childrenOf(path, value);
    const open = children === null ? null : term !== "" || isOpen(path, depth);
    const at = lines.push({ path, key, depth, value, text: textOf(value), open });
    if (open) for (const child of children ?? []) walk(child.key, child.path, child.value, depth + 1);
    const found = term === "" || lines.length > at || truncated || matches(key, value, children !== null, term);
    if (!found) lines.pop();
  }

  for (const child of childrenOf("", payload) ?? [{ key: "", path: "", value: payload }])
    walk(child.key, child.path, child.value, 0);
  return { lines, truncated };
}

function matches(key: string, value: unknown, hasChildren: boolean, term: string): boolean {
  return key.toLowerCase().includes(term) || (!hasChildren && String(value).toLowerCase().includes(term));
}

interface Child {
  readonly key: string;
  readonly path: string;
  readonly value: unknown;
}

/** The children of an array or object; null for a scalar value. */
function childrenOf(path: string, value: unknown): Child[] | null {
  if (Array.isArray(value)) return value.map((child, at) => ({ key: `${at}`, path: `${path}[${at}]`, value: child }));
  if (typeof value !== "object" || value === null || value instanceof ExactNumber) return null;
  return Object.entries(value).map(([key, child]) => ({ key, path: joinPath(path, key), value: child }));
}

function joinPath(path: string, key: string): string {
  if (!/^[A-Za-z_]\w*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (value instanceof ExactNumber) return value.digits;
  if (typeof value === "object" && value !== null) return `{${Object.keys(value).length}}`;
  if (typeof value !== "string") return String(value);
  return value.length > MAX_TEXT
    ? `${JSON.stringify(value.slice(0, MAX_TEXT))}… (${value.length})`
    : JSON.stringify(value);
}

/** The text to copy: a string unchanged, any other value as JSON. */
export function copyText(value: unknown): string {
  return typeof value === "string" ? value : stringifyExactly(value, 2);
}
