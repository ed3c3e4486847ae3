/** Refusals that have to do with passwords, in words for the form that got them. */

import { Problem } from "./client";

/** Why one came back from the provider without being signed in, by the code that stands in the address. */
export function explainSingleSignOn(code: unknown): string | null {
  switch (code) {
    case "oidc_unknown":
      return "You have no account here, or it is disabled. An admin can invite you.";
    case "oidc_refused":
      return "The provider did not sign you in.";
    case "oidc_expired":
      return "That took too long, or was begun in another window. Try again.";
    case "oidc_no_email":
      return "The provider tells no e-mail address of yours that it has verified.";
    case "oidc_failed":
      return "The provider cannot be asked just now, or what it says cannot be proved. Try again, or tell an admin.";
    default:
      return null;
  }
}

/** `wrong` is what a password that is not right is called there. */
export function explainSignIn(error: unknown, wrong?: string): string {
  if (!(error instanceof Problem)) return (error as Error).message;
  if (error.code === "wrong_credentials" && wrong !== undefined) return wrong;
  if (error.code !== "throttled") return error.message;
  const minutes = Math.ceil((error.retryAfter ?? 60) / 60);
  return `Too many failed tries. Try again in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`;
}
