/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  newRule: "New rule",
  changeRule: "Change rule",
  notifyMeOf: "Notify me of",
  listsAndSms: "Lists and SMS",
  onlyWithThisTag: "Only with this tag",
  anyTagOrNone: "Any tag, or none",
  onlyToThisAddress: "Only to this address",
  anybody: "Anybody",
  cancel: "Cancel",
  save: "Save",
  allNotifications: "All notifications",
  whichEventsNotifyYou:
    "Which events notify you. Messages from people and alerts always come. A change holds for what is received from then on.",
  thisIsTheStandard: "This is the standard, until you choose otherwise:",
  noEventNotifiesYou: "No event notifies you.",
  rules: "Rules",
  change: (describeRule: string | number) => `Change: ${describeRule}`,
  changeDialog: "Change…",
  remove: (describeRule: string | number) => `Remove: ${describeRule}`,
  removeTitle: "Remove",
  addARule: "Add a rule…",
  backToStandard: "Back to standard…",
  youHaveReachedThe: (limit: string | number) => `You have reached the limit of ${limit} rules. Remove one first.`,
  backToStandardTitle: "Back to standard",
  yourRulesGoAnd: "Your rules go, and every open notifies you again.",
} as const;
