/** Sign-in errors as messages for the form. */

import { Problem } from "./client";

/** Explains a failed single sign-on based on the code in the URL. */
export function explainSingleSignOn(code: unknown): string | null {
  switch (code) {
    case "oidc_unknown":
      return "You have no account here, or it is disabled. An admin can invite you.";
    case "oidc_refused":
      return "The provider refused the sign-in.";
    case "oidc_expired":
      return "The sign-in expired or was started in another window. Try again.";
    case "oidc_no_email":
      return "The provider did not return a verified e-mail address for you.";
    case "oidc_failed":
      return "The provider is unavailable, or its answer could not be verified. Try again, or contact an admin.";
    default:
      return null;
  }
}

/** `wrongPassword` replaces the server's message for wrong credentials. */
export function explainSignIn(error: unknown, wrongPassword?: string): string {
  if (!(error instanceof Problem)) return (error as Error).message;
  if (error.code === "wrong_credentials" && wrongPassword !== undefined) return wrongPassword;
  if (error.code !== "throttled") return error.message;
  const minutes = Math.ceil((error.retryAfter ?? 60) / 60);
  return `Too many failed attempts. Try again in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`;
}
