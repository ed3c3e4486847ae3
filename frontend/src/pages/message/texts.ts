/** What is read on the screen and is not data, in one place, so that a translation can be added. */

export const texts = {
  facts: "Facts",
  id: "Id",
  idLower: "id",
  figures: "Figures",
  anErasedMessage: "An erased message",
  aMessageWithoutSubject: "Message without a subject",
  whomItWentTo: (erasedAt: string | number) =>
    `The recipient and the content were erased ${erasedAt}. The delivery history remains.`,
  thereAreMoreEvents: "More events exist than are shown here;",
  theListOfEvents: "the list of events",
  hasAllOfThem: "has all of them.",
  linksClicked: "Links clicked",
  byMachines: (machines: string | number) => `+ ${machines} by machines`,
  otherMessagesToThis: "Other messages to this address",
  whatBecameOfIt: "What became of it",
  times: (times: string | number) => `${times} times`,
  erased: "erased",
  simulated: "simulated",
  hidePayload: "Hide payload",
  payload: "Payload",
} as const;
