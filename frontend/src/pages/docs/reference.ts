/** Extracts the API reference from the OpenAPI document: parameters, bodies, responses, access, and a curl command. */

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

/** A field of a body, or a parameter. */
export interface Field {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly about: string;
}

/** Maximum nesting depth of the listed fields. */
const MAX_DEPTH = 3;

/** Resolves a `$ref`; any other value is returned unchanged. */
export function resolve<T extends Reference>(document: ApiDocument, value: T): T {
  const [kind = "", name = ""] = value.$ref?.replace("#/components/", "").split("/") ?? [];
  const found = document.components[kind]?.[name] as T | undefined;
  return found === undefined ? value : { ...found, ...value };
}

/** The operations by tag, in the order of the document, restricted to those that contain every word of `search`. */
export function sectionsOf(document: ApiDocument, search: string): Section[] {
  const words = search.toLowerCase().split(" ").filter(Boolean);
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

/** A short name for the type. */
export function typeOf(document: ApiDocument, given: Schema): string {
  const schema = resolve(document, given);
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives !== undefined) return alternatives.map((one) => typeOf(document, one)).join(" or ");
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

/** Describes the constraints of a value. */
export function boundsOf(given: Schema): string {
  const { minimum, maximum, minLength, maxLength } = given;
  const bounds = [];
  if (minimum !== undefined && maximum !== undefined) bounds.push(`${minimum} to ${maximum}`);
  if (maxLength !== undefined && maxLength > 0) bounds.push(`at most ${maxLength} characters`);
  if (minLength !== undefined && minLength > 0) bounds.push(`at least ${minLength}`);
  if (given.default !== undefined && given.default !== null)
    bounds.push(`${JSON.stringify(given.default)} unless given`);
  return bounds.join(", ");
}

/** The fields of a schema and of its nested objects and lists, identified by their paths. */
export function fieldsOf(document: ApiDocument, given: Schema, path = "", depth = 0): Field[] {
  const schema = resolve(document, given);
  const parts = [...(schema.allOf ?? []), ...(schema.oneOf ?? [])];
  const fields = parts.flatMap((part) => fieldsOf(document, part, path, depth));
  if (schema.items !== undefined) fields.push(...fieldsOf(document, schema.items, `${path}[]`, depth));
  for (const [name, property] of depth < MAX_DEPTH ? Object.entries(schema.properties ?? {}) : []) {
    const here = path === "" ? name : `${path}.${name}`;
    const type = [typeOf(document, property), boundsOf(property)].filter(Boolean).join(", ");
    const required = schema.required?.includes(name) ?? false;
    fields.push({ path: here, type, required, about: resolve(document, property).description ?? "" });
    fields.push(...fieldsOf(document, property, here, depth + 1));
  }
  return fields;
}

export function parametersOf(document: ApiDocument, operation: Operation): Parameter[] {
  return (operation.parameters ?? []).map((parameter) => resolve(document, parameter));
}

/** The responses by status. The descriptions of errors list their codes. */
export function responsesOf(document: ApiDocument, operation: Operation): (Answer & { readonly status: string })[] {
  return Object.entries(operation.responses).map(([status, response]) => ({ ...resolve(document, response), status }));
}

/** Describes who is allowed to call the operation. */
export function describeAccess(document: ApiDocument, operation: Operation): string {
  const alternatives = (operation.security ?? document.security).map((scheme) => {
    const names = scheme["session"] ?? scheme["token"];
    if (scheme["token"] !== undefined)
      return `a token with ${scheme["token"].map((scope) => `\`${scope}\``).join(" and ")}`;
    if (names !== undefined) return names.length > 0 ? `admins who are signed in` : "whoever is signed in";
    return scheme["signature"] === undefined ? "anybody" : "Mandrill, by its signature";
  });
  return alternatives.join("; ");
}

/** A curl command for the operation. Placeholders are in capitals. */
export function curlOf(document: ApiDocument, { method, path, operation }: Route, origin: string): string {
  const security = operation.security ?? document.security;
  const accepts = (scheme: string): boolean => security.some((alternative) => alternative[scheme] !== undefined);
  const command = ["curl"];
  if (method === "HEAD") command.push("--head");
  else if (method !== "GET") command.push("-X", method);
  if (accepts("token")) command.push('-H "Authorization: Bearer $TOKEN"');
  else {
    // Over HTTPS, the server's cookie has the `__Host-` prefix.
    const cookie = origin.startsWith("https:") ? "__Host-sid" : "sid";
    if (accepts("session")) command.push(`-b "${cookie}=$SESSION"`);
    if (accepts("csrf")) command.push("-H 'X-Requested-With: fetch'");
  }
  const body = operation.requestBody?.content["application/json"]?.schema;
  if (body !== undefined) {
    command.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(exampleOf(document, body))}'`);
  }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase());
  return [...command, `'${origin}${filled}'`].join(" ");
}

/** A minimal example of a body: required fields only. */
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
