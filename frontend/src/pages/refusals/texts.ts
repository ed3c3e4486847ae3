/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  fromTheLast: (times: string | number, addresses: string | number) => `${times} from ${addresses}, the last`,
  whatToDo: "What to do:",
  network: "Network",
  count: "Count",
  since: "Since",
  last: "Last",
  whatWouldExplainIt: "Possible cause",
  nothingFound: "Nothing found",
  theBodiesOfRefused: "The bodies of refused deliveries are not kept. The sender sees only the status code.",
  refreshing: "Refreshing…",
  refresh: "Refresh",
  ifEventsDoNot: "If events are still missing, see the",
  systemPage: "system page",
} as const;
