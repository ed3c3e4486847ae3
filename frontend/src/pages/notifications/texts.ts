/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  yourBrowserShowsNothing: "Desktop notifications are blocked. Allow them in your browser's settings for this site.",
  whileThisPageIs: "Desktop notifications are on while this page is hidden.",
  stopThat: "Turn off",
  yourBrowserCanShow: "Get desktop notifications while this page is hidden.",
  allowNotifications: "Allow notifications",
  readAndUnread: "Read and unread",
  unread: "Unread",
  all: "All",
  kind: "Kind",
  everyKind: "Every kind",
  from: "From",
  fromAnybody: "From anybody",
  markAllAsRead: "Mark all as read",
  write: "Write",
  rules: "Rules…",
  nothingLikeThat: "No notifications match.",
  showEverything: "Show everything",
  nothingYetWhenA: "Nothing yet. Opens and messages to you appear here.",
  notifications: "Notifications",
  writeToOthers: "Write to others",
} as const;
