// Before the first paint: the theme that somebody chose on this machine, if not the system's.
try {
  var theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is turned off; the system's theme it is.
}
