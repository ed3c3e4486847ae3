import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ApiDocument } from "../../api/document";
import { allowedTo, answersOf, curlOf, linesOf, parametersOf, sectionsOf, type Route } from "./reference";

const document = JSON.parse(readFileSync("openapi.json", "utf8")) as ApiDocument;

function route(id: string): Route {
  const found = sectionsOf(document, id).flatMap(({ routes }) => routes);
  const one = found.find(({ operation }) => operation.operationId === id);
  if (one === undefined) throw new Error(id);
  return one;
}

test("every operation is in a section, and a search leaves out the rest", () => {
  const all = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  expect(sectionsOf(document, "").flatMap(({ routes }) => routes)).toHaveLength(all.length);
  const found = sectionsOf(document, "post TOKENS").flatMap(({ routes }) => routes);
  expect(found.map(({ operation }) => operation.operationId)).toEqual(["addToken"]);
  expect(sectionsOf(document, "no such thing")).toEqual([]);
});

test("references are followed, to parameters, refusals and fields of fields", () => {
  const { operation } = route("listEvents");
  expect(parametersOf(document, operation).map(({ name }) => name)).toContain("not.kind");
  const refused = answersOf(document, operation).find(({ status }) => status === "400");
  expect(refused?.description).toBe("`bad_filter`, `bad_page`");
  const answer = operation.responses["200"]?.content?.["application/json"]?.schema ?? {};
  const lines = linesOf(document, answer);
  expect(lines.find(({ path }) => path === "items[].recipient")).toMatchObject({ type: "string or null" });
  expect(lines.find(({ path }) => path === "next")?.required).toBe(true);
});

test("who may ask is said in words", () => {
  expect(allowedTo(document, route("listEvents").operation)).toBe("whoever is signed in; a token with `read`");
  expect(allowedTo(document, route("addUser").operation)).toBe("admins who are signed in");
  expect(allowedTo(document, route("getSession").operation)).toBe("anybody");
});

test("a line for the shell has what the operation needs", () => {
  expect(curlOf(document, route("getEvent"), "http://x")).toBe(
    `curl -H "Authorization: Bearer $TOKEN" 'http://x/api/events/ID'`,
  );
  expect(curlOf(document, route("addToken"), "http://x")).toBe(
    `curl -X POST -b "sid=$SESSION" -H 'X-Requested-With: fetch' -H 'Content-Type: application/json' ` +
      `-d '{"name":"TEXT","scopes":["read"]}' 'http://x/api/tokens'`,
  );
  expect(curlOf(document, route("addToken"), "https://x")).toContain('-b "__Host-sid=$SESSION"');
});
