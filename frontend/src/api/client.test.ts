import { afterEach, expect, test, vi } from "vitest";
import { listEvents, onSignedOut, Problem } from "./client";

afterEach(() => vi.unstubAllGlobals());

function stubResponse(status: number, body: string, headers: Record<string, string> = {}): void {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status, headers })));
}

test("an error response becomes a Problem with its code, and signed_out notifies the handler", async () => {
  const signedOut = vi.fn();
  onSignedOut(signedOut);
  stubResponse(401, JSON.stringify({ code: "signed_out", detail: "Sign in first." }));
  await expect(listEvents(null)).rejects.toMatchObject({ status: 401, code: "signed_out", message: "Sign in first." });
  expect(signedOut).toHaveBeenCalledOnce();
});

test("server errors include the request id, client errors do not", async () => {
  stubResponse(500, JSON.stringify({ code: "internal", detail: "Something failed." }), { "x-request-id": "1a2b" });
  await expect(listEvents(null)).rejects.toThrow("Something failed. See the server log for request 1a2b.");
  stubResponse(400, JSON.stringify({ code: "bad_page", detail: "No." }), { "x-request-id": "1a2b" });
  await expect(listEvents(null)).rejects.toThrow(/^No\.$/);
});

test("responses without a problem document and network errors become a Problem", async () => {
  stubResponse(502, "<html>", { "retry-after": "10" });
  await expect(listEvents(null)).rejects.toMatchObject({ status: 502, code: "unknown", retryAfter: 10 });
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  await expect(listEvents(null)).rejects.toBeInstanceOf(Problem);
});
