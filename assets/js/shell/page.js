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
const WAITS = { loading: 500, lost: 2000, out: 2000 };
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
  out: "signed out: ",
  unloaded: "unloaded: ",
  stopping: "shutting down: ",
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
      show: ({ value, error }) => this.#show(value, error?.signedOut),
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

  /** @param {Status | undefined} status @param {boolean | undefined} signedOut */
  #show(status, signedOut) {
    const back = status && ["lost", "out"].includes(this.status.state);
    // What it was is not known to be still so, but better than nothing; the page says what cannot be done.
    this.status = status ?? { ...this.status, state: signedOut ? "out" : "lost", error: null };
    this.paint();
    if (back) dispatchEvent(new Event("codex-back"));
  }

  /** Who has signed in, where one has to; in another tab, so that nothing typed in this one is lost. */
  #user() {
    if (this.status.state === "out") {
      const address = `sign-in?next=${encodeURIComponent(location.pathname)}`;
      return html`<a class="cx-button small" href=${address} target="_blank">Sign in</a>`;
    }
    if (!this.status.user) return nothing;
    return html`<form class="cx-user cx-row" method="post" action="sign-out"><span class="cx-clip">${this.status.user}</span><button class="cx-button small" title=${`Signed in as ${this.status.user}`}>Sign out</button></form>`;
  }

  view() {
    const { state, model, error, calibrated, calibration, limits, abilities, lacks } = this.status;
    const hints = [lacks, limits].filter(Boolean);
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
      ${this.#user()}${this.models.opener()}${iconButton("theme", `Change to the ${this.dark ? "light" : "dark"} theme`, change)}
    </header>${this.models.view()}${error ? html`<div class="cx-alarm">${alarm(error)}</div>` : nothing}
    ${hints.length ? html`<div class="cx-limits">${hints.map(hint)}</div>` : nothing}`;
  }
}
