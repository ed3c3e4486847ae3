/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  whereYouAreSigned: "Where you are signed in",
  signOutEverywhereElse: "Sign out everywhere else…",
  password: "Password",
  aNewPasswordSigns: "A new password signs you out everywhere else.",
  signOutEverywhereElseTitle: "Sign out everywhere else",
  everyOtherPageAnd: "Every other page and browser where you are signed in is signed out at once. This one stays.",
  currentPassword: "Current password",
  changePassword: "Change password",
  sessions: "Sessions",
  where: "Where",
  signedIn: "Signed in",
  lastActive: "Last active",
  signOut: "Sign out",
  ends: (expires_at: string | number) => `Ends ${expires_at}`,
  thisOne: "This one",
  signOutOf: (deviceOf: string | number) => `Sign out ${deviceOf}`,
  theCurrentPasswordIs: "The current password is wrong.",
  thePasswordIsChanged: "The password is changed, and you are signed out everywhere else.",
} as const;
