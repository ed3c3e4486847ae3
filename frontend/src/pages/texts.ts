/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  mandrillListenerIsUnavailable: "Mandrill Listener is unavailable",
  thisPageTriesAgain: (problem: string | number) => `${problem} This page tries again every few seconds.`,
  tryNow: "Try now",
  onlySomeCanSee: (email: string | number) =>
    `The role of ${email} does not include this page. Ask an admin for what you need.`,
  toTheEvents: "To the events",
  thereIsNothingAt: "There is nothing at this address.",
} as const;
