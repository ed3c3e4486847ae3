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
    "Choose which events notify you. Messages and alerts always do. Changes apply to events received from now on.",
  thisIsTheStandard: "This is the default until you add rules:",
  noEventNotifiesYou: "No event notifies you.",
  rules: "Rules",
  change: (describeRule: string | number) => `Change: ${describeRule}`,
  changeDialog: "Change…",
  remove: (describeRule: string | number) => `Remove: ${describeRule}`,
  removeTitle: "Remove",
  addARule: "Add a rule…",
  backToStandard: "Reset to default…",
  youHaveReachedThe: (limit: string | number) => `You have reached the limit of ${limit} rules. Remove one first.`,
  backToStandardTitle: "Reset to default",
  yourRulesGoAnd: "This deletes your rules. Every open notifies you again.",
} as const;
