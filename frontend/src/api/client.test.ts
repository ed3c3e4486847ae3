import { afterEach, expect, test, vi } from "vitest";
import { listEvents, onSignedOut, Problem } from "./client";

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: string, headers: Record<string, string> = {}): void {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status, headers })));
}

test("a refusal becomes a problem with its code, and a lost session is told", async () => {
  const told = vi.fn();
  onSignedOut(told);
  answer(401, JSON.stringify({ code: "signed_out", detail: "Sign in first." }));
  await expect(listEvents(null)).rejects.toMatchObject({ status: 401, code: "signed_out", message: "Sign in first." });
  expect(told).toHaveBeenCalledOnce();
});

test("what fails at the server is told with the name of the request, by which its log can be searched", async () => {
  answer(500, JSON.stringify({ code: "internal", detail: "Something failed." }), { "x-request-id": "1a2b" });
  await expect(listEvents(null)).rejects.toThrow("Something failed. Its log tells more of request 1a2b.");
  answer(400, JSON.stringify({ code: "bad_page", detail: "No." }), { "x-request-id": "1a2b" });
  await expect(listEvents(null)).rejects.toThrow(/^No\.$/);
});

test("what is no problem document still becomes a problem", async () => {
  answer(502, "<html>", { "retry-after": "10" });
  await expect(listEvents(null)).rejects.toMatchObject({ status: 502, code: "unknown", retryAfter: 10 });
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  await expect(listEvents(null)).rejects.toBeInstanceOf(Problem);
});
