// The bar on top of every page: theme, and what the model is doing.

import { fill, h, icon } from "./dom.js";
import { newest } from "./waits.js";

const THEME = "codex.theme";
const LOADING = 500; // milliseconds between two looks at the model: while it loads
const IDLE = 15_000; // and otherwise, while the page is seen

export function mount({ element, props, server }) {
  const config = JSON.parse(props.config);
  const alarm = h("p.cx-error.cx-alarm", { role: "alert", hidden: true });
  const chip = h("span.cx-status", { role: "status" });
  const toggle = h(
    "button.cx-icon-button",
    {
      onclick: () => {
        const dark = !document.body.classList.contains("dark");
        localStorage.setItem(THEME, dark ? "dark" : "light");
        paint(dark);
      },
    },
    icon("theme"),
  );
  const here = element.querySelector(`[data-page="${config.page}"]`);
  here.setAttribute("aria-current", "page");
  document.title = `${here.textContent} · Codex`;
  element.querySelector("[data-part='status']").append(chip);
  element.querySelector("[data-part='tools']").append(toggle);
  element.append(alarm);

  function paint(dark) {
    document.body.classList.toggle("dark", dark);
    const to = dark ? "light" : "dark";
    toggle.title = `Change to the ${to} theme`;
    toggle.setAttribute("aria-label", toggle.title);
  }

  function state({ state: name, model, error, calibrated, calibration }) {
    chip.dataset.state = name;
    alarm.hidden = !error;
    alarm.textContent = error ?? "";
    fill(
      chip,
      h("i", { "aria-hidden": "true" }),
      { loading: "loading ", error: "not loaded: " }[name] ?? "",
      h("b", model),
      h("span.cx-calibrated", { title: calibration }, calibrated ? "calibrated" : "not calibrated"),
    );
  }

  async function poll() {
    clearTimeout(timer);
    const answer = await latest(server.status({}).then((it) => it ?? {}, () => ({})));
    if (!answer) return;
    state(answer.value ?? { ...config.status, state: "error", error: "Codex cannot be reached." });
    if (!document.hidden) timer = setTimeout(poll, answer.value?.state === "loading" ? LOADING : IDLE);
  }

  let timer = null;
  const latest = newest();
  const chosen = localStorage.getItem(THEME);
  paint(chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  state(config.status);
  // Another calibrator may speak: the page that made it so says this, and another tab says nothing.
  addEventListener("codex-status", poll);
  document.addEventListener("visibilitychange", () => document.hidden || poll());
  poll();
}
