/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  whoDidWhatTo: "Who did what to accounts, tokens and people's data. An erased address stands here by its hash alone.",
  refresh: "Refresh",
  nothingYetWhenSomebody:
    "Nothing yet. When somebody is invited, gets another role, or makes a token, it appears here.",
  audit: "Audit",
  who: "Who",
  what: "What",
  when: "When",
  somebodyWhoIsGone: "Somebody who is gone",
} as const;
