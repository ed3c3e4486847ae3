/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  yourBrowserShowsNothing:
    "Your browser shows nothing from here outside the page. Its settings for this site can allow it.",
  whileThisPageIs: "While this page is hidden, your browser shows what is new.",
  stopThat: "Stop that",
  yourBrowserCanShow: "Your browser can show what is new while this page is hidden.",
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
  nothingLikeThat: "Nothing like that.",
  showEverything: "Show everything",
  nothingYetWhenA: "Nothing yet. When a mail is opened, or somebody writes to you, it appears here.",
  notifications: "Notifications",
  writeToOthers: "Write to others",
} as const;
