/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  keyboardShortcuts: "Keyboard shortcuts",
  close: "Close",
} as const;
