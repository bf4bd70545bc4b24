// Before anything is drawn: the theme that was chosen here, else the one of the system.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("tieout-theme"); } catch { /* no storage: the system decides */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
