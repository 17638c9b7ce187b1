// The bar on top of every page: theme, and what the model is doing.

import { html, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { iconButton } from "../shared/parts.js";
import { Poller } from "../shared/server.js";

/** @typedef {{state: string, model: string, error: string | null, calibrated: boolean, calibration: string}} Status */

const THEME = "codex.theme";
/** @type {Record<string, number>} milliseconds between two looks, by what was seen */
const WAITS = { loading: 500, lost: 2000 };
const IDLE = 15_000; // and otherwise
const PAGES = [
  ["./", "ask", "Ask"],
  ["documents", "documents", "Documents"],
  ["evaluate", "evaluate", "Evaluate"],
  ["calibrate", "calibrate", "Calibrate"],
  ["tune", "tune", "Tune"],
];
/** @type {Record<string, string>} */
const STATES = { loading: "loading ", error: "not loaded: ", lost: "cannot be reached: " };

/** @param {import("../shared/page.js").Given} given */
export function mount(given) {
  new Bar(given).start();
}

class Bar extends Page {
  /** @type {Status} */
  status = this.config.status;
  dark = false;

  start() {
    const [, , title] = PAGES.find(([, name]) => name === this.config.page) ?? [];
    document.title = `${title} · Codex`;
    const chosen = localStorage.getItem(THEME);
    this.#theme(chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
    const poller = new Poller({
      ask: () => this.call("status"),
      show: ({ value }) => this.#show(value),
      wait: () => WAITS[this.status.state] ?? IDLE,
    });
    // Another calibrator may speak: the page that made it so says this, and another tab says nothing.
    addEventListener("codex-status", () => poller.look());
    poller.start();
  }

  #theme(/** @type {boolean} */ dark) {
    this.dark = dark;
    document.body.classList.toggle("dark", dark);
    this.paint();
  }

  #show(/** @type {Status | undefined} */ status) {
    const back = status && this.status.state === "lost";
    // What it was is not known to be still so, but better than nothing; the page says what cannot be done.
    this.status = status ?? { ...this.status, state: "lost", error: null };
    this.paint();
    if (back) dispatchEvent(new Event("codex-back"));
  }

  view() {
    const { state, model, error, calibrated, calibration } = this.status;
    const change = () => {
      localStorage.setItem(THEME, this.dark ? "light" : "dark");
      this.#theme(!this.dark);
    };
    return html`<header class="cx-top" role="banner">
      <a class="cx-brand" href="./"><img src="codex-assets/logo.svg" alt="" width="22" height="22"><span>Codex</span></a>
      <nav class="cx-pages" aria-label="Pages">${PAGES.map(
        ([href, name, words]) =>
          html`<a href=${href} data-page=${name} aria-current=${name === this.config.page ? "page" : nothing}>${words}</a>`,
      )}<a href="docs" target="_blank" rel="noopener">HTTP</a></nav>
      <div class="cx-top-status"><span class="cx-status" role="status" data-state=${state}><i aria-hidden="true"></i>${STATES[state] ?? ""}<b>${model}</b><span
        class="cx-calibrated" title=${calibration}>${calibrated ? "calibrated" : "not calibrated"}</span></span></div>
      <div class="cx-tools">${iconButton("theme", `Change to the ${this.dark ? "light" : "dark"} theme`, change)}</div>
    </header>${error ? html`<p class="cx-error cx-alarm" role="alert">${error}</p>` : nothing}`;
  }
}
