/** Tells the other tabs of this browser what changed here. */

/** `session`: a user signed in or out. `views`: a saved view was added, changed or removed. */
type Subject = "session" | "views";

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("tabs") : null;

export function tellTabs(subject: Subject): void {
  channel?.postMessage(subject);
}

export function onOtherTab(subject: Subject, react: () => void): void {
  channel?.addEventListener("message", ({ data }) => {
    if (data === subject) react();
  });
}
