/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  youAreSignedIn: "You are signed in as",
  toUseThisLink: ". To use this link, sign out first.",
  signOut: "Sign out",
  mandrillListener: "Mandrill Listener",
  thisLinkNoLonger: "This link no longer works.",
  itWasUsedReplaced:
    "It was used, replaced by a newer one, or is too old. Ask an admin for a new one; if you have chosen a password already,",
  signIn: "sign in",
  chooseAPasswordFor: "Choose a password for",
  as: { viewer: "a viewer", operator: "an operator", admin: "an admin" },
  youAreThenSigned: (role: string) => `. You are then signed in as ${role}.`,
  password: "Password",
  setPasswordAndSign: "Set password and sign in",
} as const;
