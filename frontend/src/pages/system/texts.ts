/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  whatToDo: "What to do:",
  checked: "Checked",
  version: (version: string | number) => `· version ${version}`,
  checking: "Checking…",
  checkAgain: "Check again",
  webhookAddress: "Webhook address",
  noneIsConfiguredSee: "None is configured; see the findings below.",
  theWebhookAddress: "the webhook address",
  findings: "Findings",
} as const;
