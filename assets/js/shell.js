// The bar on top of every page: theme, and what the model is doing.

import { fill, h, icon } from "./dom.js";
import { newest } from "./waits.js";

const THEME = "codex.theme";
const WAITS = { loading: 500, lost: 2000 }; // milliseconds between two looks, by what was seen
const IDLE = 15_000; // and otherwise; none while the page is not seen

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
      { loading: "loading ", error: "not loaded: ", lost: "cannot be reached: " }[name] ?? "",
      h("b", model),
      h("span.cx-calibrated", { title: calibration }, calibrated ? "calibrated" : "not calibrated"),
    );
  }

  async function poll() {
    clearTimeout(timer);
    const answer = await latest(server.status({}).then((it) => it ?? {}, () => ({})));
    if (!answer) return;
    const back = answer.value && chip.dataset.state === "lost";
    // What it was is not known to be still so, but better than nothing; the page says what cannot be done.
    state((now = answer.value ?? { ...now, state: "lost", error: null }));
    if (back) dispatchEvent(new Event("codex-back"));
    if (!document.hidden) timer = setTimeout(poll, WAITS[now.state] ?? IDLE);
  }

  let [timer, now] = [null, config.status];
  const latest = newest();
  const chosen = localStorage.getItem(THEME);
  paint(chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  state(now);
  // Another calibrator may speak: the page that made it so says this, and another tab says nothing.
  addEventListener("codex-status", poll);
  document.addEventListener("visibilitychange", () => document.hidden || poll());
  poll();
}
