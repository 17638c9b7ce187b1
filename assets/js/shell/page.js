// The bar on top of every page: theme, and what the model is doing.

import { html, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { alarm, hint, iconButton } from "../shared/parts.js";
import { Poller } from "../shared/server.js";
import { ModelMenu } from "./models.js";

/** @import {Given} from "../shared/types" */
/** @import {Status} from "./types" */

const THEME = "codex.theme";
/** @type {Record<string, number>} milliseconds between two looks, by what was seen */
const WAITS = { loading: 500, lost: 2000 };
const IDLE = 15_000; // and otherwise
const PAGES = [
  ["./", "ask", "Ask"],
  ["documents", "documents", "Documents"],
  ["evaluate", "evaluate", "Evaluate"],
  ["calibrate", "calibrate", "Calibrate"],
  ["train", "train", "Train"],
  ["tune", "tune", "Tune"],
  ["label", "label", "Label"],
  ["history", "history", "Sessions"],
  ["monitor", "monitor", "Monitor"],
  ["sql", "sql", "SQL"],
  ["demo", "demo", "Demo"],
  ["docs", "docs", "HTTP"],
];
/** @type {Record<string, string>} */
const STATES = {
  loading: "loading ",
  error: "not loaded: ",
  lost: "cannot be reached: ",
  unloaded: "unloaded: ",
};

/** @param {Given} given */
export function mount(given) {
  new Bar(given).start();
}

export class Bar extends Page {
  /** @type {Status} */
  status = this.config.status;
  dark = false;
  /** @type {string | null} */
  answer = null;
  /** @type {HTMLElement | null | undefined} */
  main = null;
  models = new ModelMenu(this);

  start() {
    const [, , title] = PAGES.find(([, name]) => name === this.config.page) ?? [];
    document.title = `${title} · Codex`;
    // Gradio puts all of a page into its main landmark; the bar is no part of the content.
    const bar = this.root.closest("[id^=cx-]");
    this.main = bar?.closest("main");
    if (bar) this.main?.before(bar);
    this.main?.setAttribute("tabindex", "-1");
    const chosen = localStorage.getItem(THEME);
    this.#theme(chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
    const poller = new Poller({
      ask: () => this.call("status"),
      show: ({ value }) => this.#show(value),
      wait: () => WAITS[this.status.state] ?? IDLE,
    });
    // Another calibrator may be active: the page that activated it says this, and another tab says nothing.
    addEventListener("codex-status", () => poller.look());
    // What the answer on screen rests on, where there is one.
    addEventListener("codex-answer", (event) => {
      this.answer = /** @type {CustomEvent<string | null>} */ (event).detail;
      this.paint();
    });
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
    const { state, model, error, calibrated, calibration, limits, abilities } = this.status;
    const change = () => {
      localStorage.setItem(THEME, this.dark ? "light" : "dark");
      this.#theme(!this.dark);
    };
    const pages = PAGES.map(([href, name, words]) => {
      const here = name === this.config.page ? "page" : nothing;
      return html`<a href=${href} data-page=${name} aria-current=${here}>${words}</a>`;
    });
    const skip = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.main?.focus();
    };
    return html`<header class="cx-top cx-row" role="banner">
      <a class="cx-skip" href="#content" @click=${skip}>Skip to the content</a>
      <a class="cx-brand cx-row" href="./"><img src="codex-assets/logo.svg" alt="" width="22" height="22"><span>Codex</span></a>
      <nav class="cx-pages cx-row tight" aria-label="Pages">${pages}</nav>
      <span class="cx-status cx-row" role="status" data-state=${state}><i aria-hidden="true"></i>${STATES[state] ?? ""}<b class="cx-clip" title=${abilities || model}>${model}</b><span
        class="cx-calibrated cx-clip" title=${this.answer ?? calibration}>${this.answer ?? (calibrated ? "calibrated" : "not calibrated")}</span></span>
      ${this.models.opener()}${iconButton("theme", `Change to the ${this.dark ? "light" : "dark"} theme`, change)}
    </header>${this.models.view()}${error ? html`<div class="cx-alarm">${alarm(error)}</div>` : nothing}
    ${limits ? html`<div class="cx-limits">${hint(limits)}</div>` : nothing}`;
  }
}
