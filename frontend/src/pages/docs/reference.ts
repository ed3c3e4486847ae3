/** Reads the API's document for people: what an operation takes and answers, who may ask, and a line to try it. */

import type { Answer, ApiDocument, Operation, Parameter, Reference, Schema } from "../../api/document";

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export interface Section {
  readonly name: string;
  readonly about: string;
  readonly routes: readonly Route[];
}

/** A field of a body: where it is, of what type, and what it means. */
export interface Line {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly about: string;
}

/** Deeper than that, a type is named only. */
const DEEPEST = 3;

/** What a reference stands for; anything else is itself. */
export function resolve<T extends Reference>(document: ApiDocument, it: T): T {
  const [kind = "", name = ""] = it.$ref?.replace("#/components/", "").split("/") ?? [];
  const found = document.components[kind]?.[name] as T | undefined;
  return found === undefined ? it : { ...found, ...it };
}

/** Operations by what they are about, in the document's order; those that `wanted` is not in are left out. */
export function sectionsOf(document: ApiDocument, wanted: string): Section[] {
  const words = wanted.toLowerCase().split(" ").filter(Boolean);
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const found = all.filter(({ method, path, operation }) => {
    const text = `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return document.tags
    .map(({ name, description }) => ({
      name,
      about: description,
      routes: found.filter(({ operation }) => operation.tags.includes(name)),
    }))
    .filter(({ routes }) => routes.length > 0);
}

/** A type in a word or two. */
export function typeOf(document: ApiDocument, given: Schema): string {
  const schema = resolve(document, given);
  const either = schema.oneOf ?? schema.anyOf;
  if (either !== undefined) return either.map((one) => typeOf(document, one)).join(" or ");
  if (schema.enum !== undefined) return schema.enum.join(" | ");
  if (schema.allOf !== undefined) return "object";
  const types = schema.type === undefined ? ["anything"] : [schema.type].flat();
  return types
    .map((type) => {
      if (type === "array") return `list of ${typeOf(document, schema.items ?? {})}`;
      if (type === "string" && schema.format === "date-time") return "moment";
      if (type === "string" && schema.maxLength === 0) return "empty";
      return type;
    })
    .join(" or ");
}

/** The bounds of a value, in words. */
export function boundsOf(given: Schema): string {
  const { minimum, maximum, minLength, maxLength } = given;
  const said = [];
  if (minimum !== undefined && maximum !== undefined) said.push(`${minimum} to ${maximum}`);
  if (maxLength !== undefined && maxLength > 0) said.push(`at most ${maxLength} characters`);
  if (minLength !== undefined && minLength > 0) said.push(`at least ${minLength}`);
  if (given.default !== undefined && given.default !== null) said.push(`${JSON.stringify(given.default)} unless given`);
  return said.join(", ");
}

/** The fields of a schema, those of its objects and lists indented by their path. */
export function linesOf(document: ApiDocument, given: Schema, path = "", depth = 0): Line[] {
  const schema = resolve(document, given);
  const parts = [...(schema.allOf ?? []), ...(schema.oneOf ?? [])];
  const lines = parts.flatMap((part) => linesOf(document, part, path, depth));
  if (schema.items !== undefined) lines.push(...linesOf(document, schema.items, `${path}[]`, depth));
  for (const [name, property] of depth < DEEPEST ? Object.entries(schema.properties ?? {}) : []) {
    const here = path === "" ? name : `${path}.${name}`;
    const type = [typeOf(document, property), boundsOf(property)].filter(Boolean).join(", ");
    const required = schema.required?.includes(name) ?? false;
    lines.push({ path: here, type, required, about: resolve(document, property).description ?? "" });
    lines.push(...linesOf(document, property, here, depth + 1));
  }
  return lines;
}

export function parametersOf(document: ApiDocument, operation: Operation): Parameter[] {
  return (operation.parameters ?? []).map((parameter) => resolve(document, parameter));
}

/** Answers by status, and the codes of refusals as the document writes them. */
export function answersOf(document: ApiDocument, operation: Operation): (Answer & { readonly status: string })[] {
  return Object.entries(operation.responses).map(([status, answer]) => ({ ...resolve(document, answer), status }));
}

/** Who may ask, in words. */
export function allowedTo(document: ApiDocument, operation: Operation): string {
  const ways = (operation.security ?? document.security).map((way) => {
    const names = way["session"] ?? way["token"];
    if (way["token"] !== undefined) return `a token with ${way["token"].map((scope) => `\`${scope}\``).join(" and ")}`;
    if (names !== undefined) return names.length > 0 ? `admins who are signed in` : "whoever is signed in";
    return way["signature"] === undefined ? "anybody" : "Mandrill, by its signature";
  });
  return ways.join("; ");
}

/** A line for a shell that asks this, with what has to be filled in as capital words. */
export function curlOf(document: ApiDocument, { method, path, operation }: Route, origin: string): string {
  const security = operation.security ?? document.security;
  const asks = (scheme: string): boolean => security.some((way) => way[scheme] !== undefined);
  const line = ["curl"];
  if (method === "HEAD") line.push("--head");
  else if (method !== "GET") line.push("-X", method);
  if (asks("token")) line.push('-H "Authorization: Bearer $TOKEN"');
  else {
    // As the server names it where it is served.
    const cookie = origin.startsWith("https:") ? "__Host-sid" : "sid";
    if (asks("session")) line.push(`-b "${cookie}=$SESSION"`);
    if (asks("csrf")) line.push("-H 'X-Requested-With: fetch'");
  }
  const body = operation.requestBody?.content["application/json"]?.schema;
  if (body !== undefined) {
    line.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(exampleOf(document, body))}'`);
  }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase());
  return [...line, `'${origin}${filled}'`].join(" ");
}

/** What a body that says no more than it must looks like. */
export function exampleOf(document: ApiDocument, given: Schema): unknown {
  const schema = resolve(document, given);
  if (schema.enum !== undefined) return schema.enum[0];
  const type = [schema.type ?? "object"].flat()[0];
  if (type === "array") return schema.items === undefined ? [] : [exampleOf(document, schema.items)];
  if (type === "boolean") return false;
  if (type === "integer" || type === "number") return 1;
  if (type === "string") return "TEXT";
  const required = Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name));
  return Object.fromEntries(required.map(([name, property]) => [name, exampleOf(document, property)]));
}
