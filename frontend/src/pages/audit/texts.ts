/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  whoDidWhatTo: "Changes to accounts, tokens and personal data. Erased addresses are listed by their hash.",
  refresh: "Refresh",
  nothingYetWhenSomebody: "Nothing yet. Invitations, role changes and new tokens appear here.",
  audit: "Audit",
  who: "Who",
  what: "What",
  when: "When",
  somebodyWhoIsGone: "Somebody who is gone",
} as const;
