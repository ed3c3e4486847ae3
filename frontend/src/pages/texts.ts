/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  mandrillListenerIsUnavailable: "Mandrill Listener is unavailable",
  thisPageTriesAgain: (problem: string | number) => `${problem} This page tries again every few seconds.`,
  tryNow: "Try now",
  onlyAdminsCanSee: (email: string | number) =>
    `Only admins can see this page, and ${email} is not an admin. Ask an admin for what you need.`,
  toTheEvents: "To the events",
  thereIsNothingAt: "There is nothing at this address.",
} as const;
