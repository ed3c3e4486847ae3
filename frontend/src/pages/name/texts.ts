/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  eventsFromBeforeAre: (zone: string | number) =>
    `Events from before ${zone} are no longer stored, so they do not count here.`,
  nothingHappenedInThis: "Nothing happened in this time.",
  events: "Newest events",
  searchInTheseEvents: "Search in these events",
  noStoredEventHas: "No stored event has this name.",
  templates: "Templates",
  failureReasons: "Failure reasons",
  clicked: (times: string) => `Clicked ${times}.`,
  clickedByPersons: (times: string, messages: string) => `Clicked ${times}; people clicked it in ${messages}.`,
} as const;
