/** Refusals that have to do with passwords, in words for the form that got them. */

import { Problem } from "./client";

/** `wrong` is what a password that is not right is called there. */
export function explainSignIn(error: unknown, wrong?: string): string {
  if (!(error instanceof Problem)) return (error as Error).message;
  if (error.code === "wrong_credentials" && wrong !== undefined) return wrong;
  if (error.code !== "throttled") return error.message;
  const minutes = Math.ceil((error.retryAfter ?? 60) / 60);
  return `Too many failed tries. Try again in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`;
}
