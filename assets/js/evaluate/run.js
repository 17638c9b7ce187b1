// One run, opened: what it found, and its signals by how well they tell right from wrong.

import { link } from "../shared/address.js";
import { choice, field } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { alarm, facts, icon, measured, percent, written } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { Poller } from "../shared/server.js";
import { digits } from "../shared/words.js";

/** @import {Opened} from "./types" */

const WAIT = 500; // milliseconds between two looks while figures are being computed
const OWN =
  "Confidence here is cross-fitted on this run's own answers; what the Ask page says comes from the active calibrator.";

export class RunView {
  /** @type {string | null} The run that is wanted. */
  id = null;
  /** @type {Opened | null} */
  shown = null;
  /** @type {string | null} */
  failed = null;
  /** @type {string | null} */
  scatterFailed = null;
  /** @type {[string, string] | null} The signals across and up. */
  pair = null;
  drawn = "";
  ranking = new Plot();
  scatter = new Plot();

  /**
   * measured(): figures that were awaited are there.
   * @param {import("../shared/page.js").Page} page @param {[string, string][]} downloads
   * @param {{back: () => void, measured: () => void, question: (id: string) => void}} options
   */
  constructor(page, downloads, options) {
    this.page = page;
    this.downloads = downloads;
    this.options = options;
    this.poller = new Poller({
      ask: async () => ({ id: this.id, answer: await page.call("open", { run: this.id }) }),
      show: ({ id, answer }) => this.#came(id, answer),
      wait: () => (this.shown?.computing && this.shown.run.id === this.id ? WAIT : null),
    });
  }

  /** Open a run; shown is what is known of it so far. @param {string} id */
  open(id) {
    if (this.id !== id) Object.assign(this, { shown: null, failed: null, pair: null, drawn: "" });
    this.id = id;
    Plot.warm();
    return this.poller.look();
  }

  close() {
    this.id = null;
    this.poller.stop();
  }

  /** Say why nothing new can come of the run that is shown; what is on its way no longer counts. @param {string} message */
  lost(message) {
    if (this.shown?.run.id !== this.id) return;
    this.poller.stop();
    this.failed = message;
  }

  /** @param {string | null} id @param {import("../shared/server.js").Answer<Opened>} answer */
  #came(id, { value, error }) {
    if (this.id !== id) return;
    this.failed = error?.message ?? null;
    const awaited = this.shown?.computing;
    if (value) this.shown = value;
    const scores = value?.scores;
    if (scores) this.pair ??= scores.pair;
    this.page.paint();
    if (value && awaited && !value.computing) this.options.measured();
    const key = `${id} ${value?.run.done}`;
    if (!scores || this.drawn === key) return;
    this.drawn = key;
    this.ranking.draw(scores.ranking);
    this.#scatter();
  }

  async #scatter() {
    const { id, pair } = this;
    if (!pair) return;
    const [x, y] = pair;
    const { value, error } = await this.page.call("scatter", { run: id, x, y });
    if (this.id !== id || this.pair !== pair) return;
    this.scatterFailed = error?.message ?? null;
    const read = (/** @type {{customdata?: string}} */ point) =>
      point.customdata && this.options.question(point.customdata);
    if (value) this.scatter.draw(value, { onclick: read });
    this.page.paint();
  }

  view() {
    const { shown } = this;
    const run = shown?.run;
    const title = run ? written(run.name) : this.failed ? "This run cannot be shown" : "…";
    return html`<section class="cx-lab-card" aria-label="Run">
        <header class="cx-lab-head"><button type="button" class="cx-button small cx-eval-back" @click=${this.options.back}>${icon("back")}All runs</button>
          <h2 class="cx-lab-title">${title}</h2><span class="cx-lab-links">${shown && this.#links(shown)}</span></header>
        ${alarm(this.failed)}
        ${run?.failure ? html`<p class="cx-error">Every question failed. The first: ${written(run.failure)}</p>` : nothing}
        ${shown && this.#found(shown)}</section>
      <div class="cx-eval-plots" ?hidden=${!shown?.scores}>
        <section class="cx-lab-card cx-lab-plot" aria-label="Signals by AUROC">${this.ranking.element}</section>
        <section class="cx-lab-card cx-lab-plot" aria-label="Signal against signal">
          <div class="cx-lab-pair">${field("Across", this.#choice(0))}${field("Up", this.#choice(1))}</div>
          ${alarm(this.scatterFailed)}${this.scatter.element}<p class="cx-hint">Each mark is a question; click one to read it.</p></section></div>`;
  }

  /** @param {0 | 1} at */
  #choice(at) {
    const change = (/** @type {string} */ name) => {
      const [x, y] = this.pair ?? [name, name];
      this.pair = at === 0 ? [name, y] : [x, name];
      this.#scatter();
    };
    return choice(this.shown?.scores?.signals ?? [], { value: this.pair?.[at] ?? null, change });
  }

  /** @param {Opened} opened */
  #links({ run, calibrate }) {
    const path = `evaluate-runs/${encodeURIComponent(run.id)}`;
    return html`${calibrate ? html`<a class="cx-button small primary" href=${link({ run: run.id }, "calibrate")}>Calibrate with it</a>` : nothing}
      ${run.graded ? html`<a class="cx-button small" href=${link({ run: run.id }, "tune")}>Tune on it</a>` : nothing}
      ${this.downloads.map(([form, words]) => html`<a class="cx-button small" href="${path}/${form}" download="" title="Download ${words}">${words}</a>`)}`;
  }

  /** @param {Opened} opened */
  #found({ run, facts: known, scores, note, computing }) {
    const right = scores && range(scores.accuracy.interval, (share) => `${Math.round(100 * share)} %`);
    return html`${facts(known.map(([name, value]) => [name, written(value)]))}
      <dl class="cx-lab-figures">${figure("right", percent(run.accuracy), right)}${scores?.confidence.map(
        ({ label, value, interval, title }) => figure(label, measured(value), range(interval), title),
      )}</dl>
      <div class="cx-lab-computing" role="status">${computing ? html`<span class="cx-progress">${computing}</span>` : nothing}${
        !computing && note ? html`<p class="cx-lab-note">${note}</p>` : nothing
      }${scores?.confidence.length ? html`<p class="cx-lab-note">${OWN}</p>` : nothing}</div>`;
  }
}

/** @param {string} name @param {unknown} value @param {string | null} interval @param {string | null} title */
function figure(name, value, interval, title = null) {
  return html`<div title=${title ?? nothing}><dt>${name}</dt><dd>${value}${interval && html`<span class="cx-muted cx-num">${interval}</span>`}</dd></div>`;
}

/** @param {number[] | null} interval */
function range(interval, words = digits) {
  return interval ? interval.map(words).join(" – ") : null;
}
