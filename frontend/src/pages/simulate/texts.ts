/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  seenLive: "Seen live",
  soFar: "so far…",
  of: (events: string | number, count: string | number, soFar: string | number) => `${events} of ${count} ${soFar}`,
  theLatest: (limit: string | number) => `The latest ${limit}:`,
  eventsThatArrived: "Events that arrived",
  batch: "Batch",
  lineColumn: (line: string | number, column: string | number, message: string | number) =>
    `Line ${line}, column ${column}: ${message}`,
  showMe: "Show me",
  postItSignedAs: "Post it signed, as Mandrill does",
  whatYouPostHere:
    "A batch posted here is authenticated by your session. From a terminal, sign it with the webhook's key from `WEBHOOK_KEYS` and the address that Mandrill uses. The key does not leave the terminal:",
  theConfiguredAddressCould: (problem: string | number) =>
    `The configured address could not be loaded (${problem}). The command uses the address of this page.`,
  theCommand: "the command",
  commandThatPosts: "Command that posts it signed",
  onceTheBatchAbove: "The command appears here once the batch above is valid.",
  forSignedSamplesOf: "For signed samples of every kind at once, run `make simulate` beside `make up`.",
  postsABatchTo: "Posts a batch to",
  asYouInPlace: "as you, in place of Mandrill. Its events are stored like any other and marked as simulated.",
  beginWith: "Start from",
  newIdsAndTimes: "New ids and times",
  bringBackWhatI: "Restore my batch",
  posting: "Posting…",
  postTheBatch: "Post the batch",
  answer: "Answer",
  receivedStoredDuplicatesQuarantined: (
    received: string | number,
    stored: string | number,
    duplicates: string | number,
    quarantined: string | number,
  ) => `${received} received · ${stored} stored · ${duplicates} duplicates · ${quarantined} quarantined`,
  seeTheEvents: "See the events",
  seeTheQuarantine: "See the quarantine",
  noResponse: "No response",
} as const;
