/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  one: { subaccounts: "subaccount", tags: "tag", domains: "sender at" },
  many: { subaccounts: "Subaccounts", tags: "Tags", domains: "Sending domains" },
  or: "or",
  nothing: "no events",
  maySee: "May see",
  allEvents: "All events",
  aPart: "A part of them",
  onePerLine: "One per line. An event that matches any of the values is shown.",
  preview: "Show what this would be",
  lastSevenDays: (events: string) => `${events} in the last seven days`,
  none: "None",
  newest: "The newest:",
  whatMaySee: "What may be seen",
  atOnce: "It takes effect at once, also on open pages and exports under way.",
  save: "Save",
  youSeeAPart: "You see a part of all events:",
} as const;
