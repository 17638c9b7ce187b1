// One run, opened: what it found, and its signals by how well they tell correct from incorrect.

import { link } from "../shared/address.js";
import { explained } from "../shared/explained.js";
import { choice, field } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import {
  alarm,
  button,
  facts,
  hint,
  icon,
  measured,
  percent,
  told,
  working,
  written,
} from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { Poller } from "../shared/server.js";
import { number, share } from "../shared/words.js";

/** @import {Answer, Explained} from "../shared/types" */
/** @import {Opened} from "./types" */

const WAIT = 500; // milliseconds between two looks while metrics are being computed

/** @extends {Part<import("./page.js").Evaluate>} */
export class RunView extends Part {
  /** @type {string | null} The run that is wanted. */
  id = null;
  /** @type {Opened | null} */
  shown = null;
  /** @type {Opened["scores"]} What is drawn, while others are computed too. */
  scores = null;
  /** @type {string | null} */
  failed = null;
  /** @type {string | null} */
  scatterFailed = null;
  /** @type {[string, string] | null} The signals on the two axes. */
  pair = null;
  /** The column that the marks are coloured by; "": by the grade. */
  colour = "";
  drawn = "";
  ranking = new Plot();
  scatter = new Plot();
  poller = new Poller({
    ask: async () => ({ id: this.id, answer: await this.page.call("open", { run: this.id }) }),
    show: ({ id, answer }) => this.#came(id, answer),
    wait: () => (this.shown?.computing && this.shown.run.id === this.id ? WAIT : null),
  });

  /** Open a run; shown is what is known of it so far. @param {string} id */
  open(id) {
    if (this.id !== id)
      Object.assign(this, { shown: null, scores: null, failed: null, pair: null, colour: "", drawn: "" });
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

  /** @param {string | null} id @param {Answer<Opened>} answer */
  #came(id, { value, error }) {
    if (this.id !== id) return;
    this.failed = error?.message ?? null;
    const awaited = this.shown?.computing;
    if (value) this.shown = value;
    const scores = value?.scores;
    if (scores) {
      this.scores = scores;
      this.pair ??= scores.pair;
    }
    this.page.paint();
    if (value && awaited && !value.computing) this.page.measured();
    const key = `${id} ${value?.run.done} ${value?.run.labels}`;
    if (!value || value.computing || this.drawn === key) return;
    this.drawn = key;
    this.page.slices.look();
    if (!scores) return;
    this.ranking.draw(scores.ranking, { table: scores.table });
    this.#scatter();
  }

  async #scatter() {
    const { id, pair, colour } = this;
    if (!pair) return;
    const [x, y] = pair;
    const { value, error } = await this.page.call("scatter", { run: id, x, y, colour });
    if (this.id !== id || this.pair !== pair || this.colour !== colour) return;
    const onclick = (/** @type {{customdata?: string}} */ { customdata }) =>
      customdata && this.page.read(customdata);
    const onselect = (/** @type {string[]} */ ids) => this.page.slices.limit(ids.length ? { ids } : null);
    if (value) this.scatter.draw(value, { onclick, onselect });
    this.set({ scatterFailed: error?.message ?? null });
  }

  view() {
    const { shown } = this;
    const run = shown?.run;
    const title = run ? written(run.name) : this.failed ? "This run cannot be shown" : "…";
    const back = button([icon("back"), "All runs"], () => this.page.back(), { kind: "small cx-run-back" });
    return html`<section class="cx-card" aria-label="Run">
        <header class="cx-head">${back}<h2 class="cx-title">${title}</h2><span class="cx-row wrap">${shown && this.#links(shown)}</span></header>
        ${alarm(this.failed)}
        ${run?.failure ? html`<p class="cx-error">Every question failed. The first error: ${written(run.failure)}</p>` : nothing}
        ${shown && found(shown, this.page.config.metrics.accuracy)}</section>
      <div class="cx-halves" ?hidden=${!this.scores || !shown}>
        <section class="cx-card cx-body" aria-label="Signals by AUROC">${this.ranking.element}</section>
        <section class="cx-card cx-body" aria-label="Signal against signal">
          <div class="cx-pair">${field("X axis", this.#choice(0))}${field("Y axis", this.#choice(1))}${field("Colour by", this.#colours())}</div>
          ${alarm(this.scatterFailed)}${this.scatter.element}${hint("Each mark is a question; click one to read it, select several to list them.")}</section></div>`;
  }

  /** @param {0 | 1} at */
  #choice(at) {
    const change = (/** @type {string} */ name) => {
      const [x, y] = this.pair ?? [name, name];
      this.pair = at === 0 ? [name, y] : [x, name];
      this.#scatter();
    };
    return choice(this.scores?.signals ?? [], { value: this.pair?.[at] ?? null, change });
  }

  #colours() {
    const change = (/** @type {string} */ colour) => {
      this.colour = colour;
      this.#scatter();
    };
    return choice([["", "grade"], ...this.page.slices.found.columns], { value: this.colour, change });
  }

  /** @param {Opened} opened */
  #links({ run, calibrate }) {
    const path = `evaluate-runs/${encodeURIComponent(run.id)}`;
    const to = (/** @type {string} */ page, /** @type {string} */ words, kind = "") =>
      html`<a class="cx-button small ${kind}" href=${link({ run: run.id }, page)}>${words}</a>`;
    const files = this.page.config.downloads.map(
      (/** @type {[string, string]} */ [form, words]) =>
        html`<a class="cx-button small" href="${path}/${form}" download="" title="Download ${words}">${words}</a>`,
    );
    return [
      this.page.comparison.choice(),
      calibrate ? to("calibrate", "Calibrate with it", "primary") : nothing,
      run.graded ? to("tune", "Tune on it") : nothing,
      files,
    ];
  }
}

/** @param {Opened} opened @param {Explained} correct */
function found({ run, facts: known, scores, note, computing }, correct) {
  const metrics = scores?.confidence.map((one) => metricOf(one, measured(one.value), range(one.interval)));
  return html`${facts(known.map(([name, value]) => [name, told(value)]))}
    <dl class="cx-metrics">${metricOf(correct, percent(run.accuracy), scores && range(scores.accuracy.interval, share))}${metrics}</dl>
    <div class="cx-status-line" role="status">${computing ? working(computing) : note ? hint(note) : nothing}${metrics?.length ? hint(`This confidence is ${scores?.source}; the Ask page uses the active calibrator.`) : nothing}</div>`;
}

/** @param {Explained} metric @param {unknown} value @param {string | null} interval */
function metricOf(metric, value, interval) {
  return html`<div><dt>${explained(metric)}</dt><dd>${value}${interval && html`<span class="cx-muted cx-num">${interval}</span>`}</dd></div>`;
}

/** @param {number[] | null} interval */
function range(interval, words = number) {
  return interval ? interval.map(words).join(" – ") : null;
}
