/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  fromTheLast: (times: string | number, addresses: string | number) => `${times} from ${addresses}, the last`,
  whatToDo: "What to do:",
  network: "Network",
  count: "Count",
  since: "Since",
  last: "Last",
  whatWouldExplainIt: "What would explain it",
  nothingFound: "Nothing found",
  theBodiesOfRefused: "The bodies of refused deliveries are not kept, and whoever posted is told nothing of this.",
  refreshing: "Refreshing…",
  refresh: "Refresh",
  ifEventsDoNot: "If events do not come all the same, look at the",
  systemPage: "system page",
} as const;
