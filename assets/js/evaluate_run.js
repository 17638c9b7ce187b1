// One run, opened: what it found, its signals by how well they tell right from wrong, and its questions.

import { fill, h, icon } from "./dom.js";
import { choice, digits, field, measured, percent, written } from "./lab.js";
import { draw } from "./plot.js";
import { newest } from "./waits.js";

const WAIT = 500; // milliseconds between two looks while figures are being computed
const OWN =
  "Confidence here is cross-fitted on this run's own answers; what the Ask page says comes from the active calibrator.";

export class RunView {
  /**
   * options: {call, onback(), onmeasured(): figures that were awaited are there, onquestion(id),
   * downloads: [[format, words]]}.
   */
  constructor(element, options) {
    Object.assign(this, { options, newest: newest() });
    this.back = h("button.cx-button.small", { onclick: options.onback }, icon("back"), "All runs");
    this.title = h("h2.cx-lab-title");
    this.links = h("span.cx-lab-links");
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.failure = h("p.cx-error", { hidden: true });
    this.facts = h("dl.cx-lab-facts");
    this.figures = h("dl.cx-lab-figures");
    this.computing = h("div.cx-lab-computing", { role: "status" });
    this.ranking = h("div");
    this.scatter = h("div");
    this.scatterError = h("p.cx-error", { role: "alert", hidden: true });
    this.x = choice([], { onchange: () => this.#scatter() });
    this.y = choice([], { onchange: () => this.#scatter() });
    this.signals = h(
      "div.cx-eval-plots",
      h("section.cx-lab-card.cx-lab-plot", { "aria-label": "Signals by AUROC" }, this.ranking),
      h(
        "section.cx-lab-card.cx-lab-plot",
        { "aria-label": "Signal against signal" },
        h("div.cx-lab-pair", field("Across", this.x), field("Up", this.y)),
        this.scatterError,
        this.scatter,
        h("p.cx-hint", "Each mark is a question; click one to read it."),
      ),
    );
    this.head = h(
      "section.cx-lab-card",
      { "aria-label": "Run" },
      h("header.cx-lab-head", this.back, this.title, this.links),
      this.error,
      this.failure,
      this.facts,
      this.figures,
      this.computing,
    );
    this.questions = h("div");
    element.append(this.head, this.signals, this.questions);
  }

  /** Open a run by its id; shown is what is known of it so far. */
  async open(id) {
    if (this.id !== id) {
      fill(this.title, "…");
      this.fail(null);
      for (const part of [this.facts, this.figures, this.computing, this.links]) fill(part);
      this.signals.hidden = this.failure.hidden = true;
      this.drawn = null;
    }
    this.id = id;
    await this.look();
  }

  close() {
    this.id = null;
    clearTimeout(this.timer);
  }

  async look() {
    clearTimeout(this.timer);
    const { id } = this;
    const answer = await this.newest(this.options.call("open", { run: id }));
    if (!answer || this.id !== id) return;
    const { value, error } = answer;
    this.fail(error?.message);
    if (!value && this.run?.id !== id) fill(this.title, "This run cannot be shown");
    if (!value) return;
    const awaited = this.awaited === id;
    this.awaited = value.computing ? id : null;
    this.#show(value);
    if (awaited && !value.computing) this.options.onmeasured();
    if (value.computing) this.timer = setTimeout(() => this.look(), WAIT);
  }

  /** Say why nothing new can come of the run that is shown; what is on its way no longer counts. */
  lost(message) {
    if (this.run?.id !== this.id) return;
    clearTimeout(this.timer);
    this.newest(null);
    this.fail(message);
  }

  fail(message) {
    this.error.hidden = !message;
    this.error.textContent = message ?? "";
  }

  #show({ run, facts, scores, note, computing, calibrate }) {
    this.run = run;
    fill(this.title, written(run.name));
    fill(
      this.links,
      calibrate
        ? h("a.cx-button.small.primary", { href: `calibrate?${new URLSearchParams({ run: run.id })}` }, "Calibrate with it")
        : null,
      run.graded
        ? h("a.cx-button.small", { href: `tune?${new URLSearchParams({ run: run.id })}` }, "Tune on it")
        : null,
      this.options.downloads.map(([format, words]) =>
        h(
          "a.cx-button.small",
          { href: `evaluate-runs/${encodeURIComponent(run.id)}/${format}`, download: "", title: `Download ${words}` },
          words,
        ),
      ),
    );
    this.failure.hidden = !run.failure;
    fill(this.failure, "Every question failed. The first: ", written(run.failure));
    fill(this.facts, facts.map(([name, value]) => h("div", h("dt", name), h("dd", written(value)))));
    fill(
      this.figures,
      figure("right", percent(run.accuracy), scores && interval(scores.accuracy.interval, (share) => `${Math.round(100 * share)} %`)),
      scores?.confidence.map(({ label, value, interval: range, title }) => figure(label, measured(value), interval(range), title)),
    );
    fill(
      this.computing,
      computing ? h("span.cx-progress", computing) : null,
      !computing && note ? h("p.cx-lab-note", note) : null,
      scores?.confidence.length ? h("p.cx-lab-note", OWN) : null,
    );
    this.signals.hidden = !scores;
    if (!scores) return;
    const key = `${run.id} ${run.done}`;
    if (this.drawn === key) return;
    this.drawn = key;
    draw(this.ranking, scores.ranking);
    this.#choices(scores.signals, scores.pair);
  }

  #choices(signals, pair) {
    for (const [select, at] of [
      [this.x, 0],
      [this.y, 1],
    ]) {
      const before = select.value;
      fill(select, signals.map(([name, label]) => h("option", { value: name }, label)));
      select.value = signals.some(([name]) => name === before) ? before : pair[at];
    }
    this.#scatter();
  }

  async #scatter() {
    const wanted = { run: this.id, x: this.x.value, y: this.y.value };
    if (!wanted.x || !wanted.y) return;
    const { value, error } = await this.options.call("scatter", wanted);
    if (this.id !== wanted.run || this.x.value !== wanted.x || this.y.value !== wanted.y) return;
    this.scatterError.hidden = !error;
    this.scatterError.textContent = error?.message ?? "";
    if (value) draw(this.scatter, value, { onclick: (point) => point.customdata && this.options.onquestion(point.customdata) });
  }
}

function figure(name, value, range, title = null) {
  return h("div", { title }, h("dt", name), h("dd", value, range ? h("span.cx-muted.cx-num", range) : null));
}

function interval(range, written = digits) {
  return range ? range.map(written).join(" – ") : null;
}
