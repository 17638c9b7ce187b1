// Of pages without Gradio: the theme that was chosen, before anything is painted.

{
  const chosen = localStorage.getItem("codex.theme");
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.body.classList.toggle("dark", dark);
}
