import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ApiDocument } from "../../api/document";
import { curlOf, describeAccess, fieldsOf, parametersOf, responsesOf, type Route, sectionsOf } from "./reference";

const document = JSON.parse(readFileSync("openapi.json", "utf8")) as ApiDocument;

function route(id: string): Route {
  const found = sectionsOf(document, id).flatMap(({ routes }) => routes);
  const one = found.find(({ operation }) => operation.operationId === id);
  if (one === undefined) throw new Error(id);
  return one;
}

test("every operation is in a section and a search filters them", () => {
  const all = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  expect(sectionsOf(document, "").flatMap(({ routes }) => routes)).toHaveLength(all.length);
  const found = sectionsOf(document, "post TOKENS").flatMap(({ routes }) => routes);
  expect(found.map(({ operation }) => operation.operationId)).toEqual(["addToken"]);
  expect(sectionsOf(document, "no such thing")).toEqual([]);
});

test("references to parameters, errors and nested fields are resolved", () => {
  const { operation } = route("listEvents");
  expect(parametersOf(document, operation).map(({ name }) => name)).toContain("not.kind");
  const badRequest = responsesOf(document, operation).find(({ status }) => status === "400");
  expect(badRequest?.description).toBe("`bad_filter`, `bad_page`");
  const schema = operation.responses["200"]?.content?.["application/json"]?.schema ?? {};
  const fields = fieldsOf(document, schema);
  expect(fields.find(({ path }) => path === "items[].recipient")).toMatchObject({ type: "string or null" });
  expect(fields.find(({ path }) => path === "next")?.required).toBe(true);
});

test("access requirements are described in words", () => {
  expect(describeAccess(document, route("listEvents").operation)).toBe("whoever is signed in; a token with `read`");
  expect(describeAccess(document, route("addUser").operation)).toBe("admins who are signed in");
  expect(describeAccess(document, route("getSession").operation)).toBe("anybody");
});

test("the curl command has the credentials and the body that the operation requires", () => {
  expect(curlOf(document, route("getEvent"), "http://x")).toBe(
    `curl -H "Authorization: Bearer $TOKEN" 'http://x/api/events/ID'`,
  );
  expect(curlOf(document, route("addToken"), "http://x")).toBe(
    `curl -X POST -b "sid=$SESSION" -H 'X-Requested-With: fetch' -H 'Content-Type: application/json' ` +
      `-d '{"name":"TEXT","scopes":["read"]}' 'http://x/api/tokens'`,
  );
  expect(curlOf(document, route("addToken"), "https://x")).toContain('-b "__Host-sid=$SESSION"');
});
