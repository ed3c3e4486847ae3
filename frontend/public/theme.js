// Applies the stored theme before the first paint. It is a separate file because the page's CSP forbids inline scripts.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage, the system theme applies.
}
