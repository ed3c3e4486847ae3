// Runs before the first paint and before the page's modules have arrived. It is a separate file because the page's CSP forbids inline scripts.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage, the system theme applies.
}
// The page needs the session before anything else. `api/client.ts` takes this answer.
globalThis.earlySession = fetch("/api/session", {
  headers: { accept: "application/json", "x-requested-with": "fetch" },
  cache: "no-store",
});
// Whoever takes the answer handles its failure.
globalThis.earlySession.catch(() => {});
