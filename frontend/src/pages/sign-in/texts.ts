/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  mandrillListener: "Mandrill Listener",
  whatBecameOfEvery: "What became of every mail, live.",
  eMail: "E-mail",
  password: "Password",
  signingIn: "Signing in…",
  signIn: "Sign in",
  signInWith: (singleSignOn: string | number) => `Sign in with ${singleSignOn}`,
  newHereOrThe: "New here, or the password is lost? An admin can give you a link by which you choose one.",
} as const;
