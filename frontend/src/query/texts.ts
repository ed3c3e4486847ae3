/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  conditions: "Conditions",
  editTheCondition: "Edit the condition",
  edit: (token: string | number, problem: string | number) => `${token}: ${problem} Edit`,
  remove: (nameOf: string | number) => `Remove ${nameOf}`,
  searchEvents: "Search events",
  searchOrKindBounced: "Search, or kind:bounced, to:ada@example.com…",
  clear: "Clear",
  suggestions: "Suggestions",
  eventsOfTheLast: "Events of the last 35 days",
  howToWriteConditions: "How to write conditions",
} as const;
