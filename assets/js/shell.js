// The bar on top of every page: theme, and what the model is doing.

import { fill, h, icon } from "./dom.js";
import { newest } from "./waits.js";

const THEME = "codex.theme";

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
    const answer = await latest(server.status({}).then((it) => it ?? {}, () => ({})));
    if (!answer) return;
    state(answer.value ?? { ...config.status, state: "error", error: "Codex cannot be reached." });
    if (answer.value?.state === "loading") setTimeout(poll, 500);
  }

  const latest = newest();
  const chosen = localStorage.getItem(THEME);
  paint(chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  state(config.status);
  // Another calibrator speaks: the page that made it so says this.
  addEventListener("codex-status", poll);
  poll();
}
