/** A payload as the lines of a tree that opens and closes. */

export interface Line {
  /** Where the value is: `msg.tags[0]`. */
  readonly path: string;
  readonly key: string;
  readonly depth: number;
  readonly value: unknown;
  /** The value, or how much it holds. */
  readonly text: string;
  /** Whether what it holds is shown; null for what can hold nothing. */
  readonly open: boolean | null;
}

export interface Lines {
  readonly lines: readonly Line[];
  /** There are more than could be shown. */
  readonly cut: boolean;
}

/** More are not shown at once: a received mail may hold thousands of headers. */
const MOST_LINES = 1_000;
/** Of a longer text, the beginning. */
const LONGEST = 300;

/**
 * The lines of what is open. While something is searched for, only what has it in its name or value, and the way there, whatever
 * is closed.
 */
export function linesOf(payload: unknown, isOpen: (path: string, depth: number) => boolean, search = ""): Lines {
  const lines: Line[] = [];
  const wanted = search.trim().toLowerCase();
  let cut = false;

  function walk(key: string, path: string, value: unknown, depth: number): void {
    if (lines.length >= MOST_LINES) {
      cut = true;
      return;
    }
    const children = childrenOf(path, value);
    const open = children === null ? null : wanted !== "" || isOpen(path, depth);
    const at = lines.push({ path, key, depth, value, text: textOf(value), open });
    if (open) for (const child of children ?? []) walk(child.key, child.path, child.value, depth + 1);
    const found = wanted === "" || lines.length > at || cut || isHit(key, value, children !== null, wanted);
    if (!found) lines.pop();
  }

  for (const child of childrenOf("", payload) ?? [{ key: "", path: "", value: payload }])
    walk(child.key, child.path, child.value, 0);
  return { lines, cut };
}

function isHit(key: string, value: unknown, holds: boolean, wanted: string): boolean {
  return key.toLowerCase().includes(wanted) || (!holds && String(value).toLowerCase().includes(wanted));
}

interface Child {
  readonly key: string;
  readonly path: string;
  readonly value: unknown;
}

/** What a value holds; null if it is none that can hold something. */
function childrenOf(path: string, value: unknown): Child[] | null {
  if (Array.isArray(value)) return value.map((one, at) => ({ key: `${at}`, path: `${path}[${at}]`, value: one }));
  if (typeof value !== "object" || value === null) return null;
  return Object.entries(value).map(([key, one]) => ({ key, path: join(path, key), value: one }));
}

function join(path: string, key: string): string {
  if (!/^[A-Za-z_]\w*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === "object" && value !== null) return `{${Object.keys(value).length}}`;
  if (typeof value !== "string") return String(value);
  return value.length > LONGEST
    ? `${JSON.stringify(value.slice(0, LONGEST))}… (${value.length})`
    : JSON.stringify(value);
}

/** A value as it is copied: a text as it is, anything else as JSON. */
export function copied(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
