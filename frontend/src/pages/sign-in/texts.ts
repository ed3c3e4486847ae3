/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  mandrillListener: "Mandrill Listener",
  whatBecameOfEvery: "What became of every mail, live.",
  eMail: "E-mail",
  password: "Password",
  signingIn: "Signing in…",
  signIn: "Sign in",
  signInWith: (singleSignOn: string | number) => `Sign in with ${singleSignOn}`,
  newHereOrThe: "New here, or forgot your password? Ask an admin for a link to set one.",
} as const;
