// The Calibrate page: a calibrator is fit, looked at, compared, activated and rolled back.

import { asked, keep } from "../shared/address.js";
import { JobBar } from "../shared/jobs.js";
import { html } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { Plot } from "../shared/plot.js";
import { Poller } from "../shared/server.js";
import { Card, saved } from "./card.js";
import { Diagrams } from "./diagrams.js";
import { Fit } from "./fit.js";
import { groups, Sets } from "./promises.js";

/** @import {Calibrator, Risk, Shown, State} from "./types" */

// Milliseconds between two looks: while something runs, and otherwise.
const BUSY = 500;
const IDLE = 4000;

/** @param {import("../shared/page.js").Given} given */
export function mount(given) {
  new Calibrate(given).start();
}

class Calibrate extends Page {
  /** @type {State | null} */
  state = null;
  /** @type {string | null} The list that is here. */
  version = null;
  /** @type {Calibrator[] | null} */
  list = null;
  /** @type {string | null} The calibrator that is looked at. */
  shown = null;
  /** @type {string | null} The one beside it; null is the heuristic. */
  compared = null;
  /** @type {string | null} A fit of which the end is awaited. */
  watched = null;
  /** @type {string | null} The calibrator for which the form asked for another risk. */
  formed = null;
  /** @type {Shown | null} */
  drawn = null;
  /** @type {Risk | null} The risk that it was drawn for. */
  risked = null;

  /** @param {import("../shared/page.js").Given} given */
  constructor(given) {
    super(given);
    const { paint, call } = this;
    this.fit = new Fit(this, this.config, { fit: (wanted) => this.begin(wanted), risk: () => this.ask() });
    this.job = new JobBar({
      label: "Fit",
      paint,
      cancel: ({ id }) => call("cancel", { job: id }).then(() => this.poller.look()),
    });
    this.diagrams = new Diagrams((version) => {
      this.compared = version;
      this.draw();
    });
    this.sets = new Sets(this.config.defaults.sets, () => this.drawSets());
    this.card = new Card(this, {
      activate: (version) => this.change("activate", { version }),
      promise: (version) => this.change("keep_promise", { version, ...this.risk }),
      rollback: () => this.change("rollback", {}),
      remove: (version) => this.change("delete", { version }),
    });
    this.poller = new Poller({
      ask: () => call("look", { seen: this.version }),
      show: async ({ value, error }) => {
        this.job.lost = error?.message ?? null;
        if (value) await this.show(value);
        this.paint();
      },
      wait: () => (this.busy ? BUSY : IDLE),
    });
    // Drawn again in a moment while the figures are being computed, or where that failed.
    this.drawing = new Poller({
      ask: () => this.#draw(),
      show: (answer) => this.#came(answer),
      wait: () => (this.diagrams.failed ? IDLE : this.drawn?.computing ? BUSY : null),
    });
    this.reading = new Poller({
      ask: () => call("sets", { version: this.shown, sets: this.sets.alpha }),
      show: ({ value, error }) => {
        Object.assign(this.sets, { failed: error?.message ?? null, found: value ?? this.sets.found });
        this.sets.again = error ? IDLE : value?.computing ? BUSY : null;
        this.paint();
      },
      wait: () => this.sets.again,
    });
  }

  start() {
    const query = asked();
    const run = query.get("run");
    Object.assign(this, { shown: query.get("calibrator"), compared: query.get("with") });
    this.paint();
    if (run) this.fit.chosen.add(run);
    return this.poller.start();
  }

  get busy() {
    return this.state?.job?.state === "running";
  }

  /** @param {State} state */
  async show(state) {
    this.state = { ...this.state, ...state };
    const { job } = state;
    if (this.busy && job) this.watched = job.id;
    if (state.runs) {
      this.version = state.version;
      this.list = state.calibrators ?? [];
      this.fit.show(state.runs);
      if (this.list.length) Plot.warm();
    }
    // The list may have been read a moment before the calibrator was saved: then the next look shows it.
    const made = job && job.id === this.watched ? job.calibrator : null;
    const fitted = made && this.list?.some(({ version }) => version === made);
    if (fitted) {
      Object.assign(this, { watched: null, shown: made });
      keep({ calibrator: made, run: null });
    }
    this.paint();
    if (this.list && (state.runs || fitted)) await this.arrange();
  }

  async arrange() {
    const list = this.list ?? [];
    const known = (/** @type {string | null} */ version) => list.some((one) => one.version === version);
    if (this.shown && !known(this.shown)) keep({ calibrator: null });
    if (!known(this.shown)) this.shown = (list.find(({ active }) => active) ?? list[0])?.version ?? null;
    if (!known(this.compared) || this.compared === this.shown) this.compared = null;
    if (this.shown) return Promise.all([this.draw(), this.drawSets()]);
    for (const poller of [this.drawing, this.reading]) poller.stop();
    this.drawn = null;
    this.paint();
  }

  open = (/** @type {string} */ version) => {
    this.shown = version;
    this.card.confirmation.now = null;
    keep({ calibrator: version, run: null });
    this.arrange();
  };

  // What the shown calibrator was fitted for, until the form asks for something else of it.
  get asked() {
    return this.formed === this.shown
      ? null
      : (this.list?.find(({ version }) => version === this.shown)?.asked ?? null);
  }

  get risk() {
    return this.asked ?? this.fit.risk;
  }

  ask() {
    this.formed = this.shown;
    this.draw();
  }

  draw() {
    keep({ with: this.compared });
    this.paint();
    return this.drawing.look();
  }

  async #draw() {
    const { shown, compared, risk } = this;
    return { shown, risk, answer: await this.call("show", { version: shown, with: compared, ...risk }) };
  }

  /** @param {{shown: string | null, risk: Risk, answer: import("../shared/server.js").Answer<Shown>}} came */
  #came({ shown, risk, answer: { value, error } }) {
    if (shown !== this.shown) return;
    this.diagrams.failed = error?.message ?? null;
    if (value) {
      Object.assign(this, { drawn: value, risked: risk });
      this.diagrams.draw(value);
    }
    this.paint();
  }

  /** The same of the answer sets, which need the samples of every question. */
  drawSets() {
    return this.shown ? this.reading.look() : null;
  }

  /** @param {object} wanted @returns {Promise<string | null>} */
  async begin(wanted) {
    const { value, error } = await this.call("fit", { ...wanted, sets: this.sets.alpha });
    if (value && this.state) {
      this.watched = value.id;
      this.state.job = value;
    }
    this.poller.look();
    return error?.message ?? null;
  }

  /** @param {string} name @param {object} wanted @returns {Promise<string | null>} */
  async change(name, wanted) {
    const { error } = await this.call(name, wanted);
    this.version = null;
    dispatchEvent(new Event("codex-status"));
    await this.poller.look();
    return error?.message ?? null;
  }

  view() {
    const { shown, drawn, list, state } = this;
    const others = (list ?? []).filter(({ version }) => version !== shown).map(({ version }) => version);
    return html`<div class="cx-lab cx-cal"><h1 class="cx-sr">Calibrate</h1>
      <aside class="cx-lab-side" aria-label="New calibrator">${this.fit.view(this.busy)}</aside>
      <section class="cx-lab-main" aria-label="Calibration">
        <div data-part="job">${this.job.view(state?.job ?? null)}</div>
        <div>${list && this.diagrams.view({ shown, others, compared: this.compared, runs: state?.runs?.length ?? 0 })}</div>
        <div>${shown && drawn?.groups && this.risked && groups(drawn.groups, this.risked)}</div>
        <div>${shown && this.sets.view()}</div>
      </section>
      <aside class="cx-lab-side cx-cal-right" aria-label="Calibrators">
        <div>${shown && drawn && this.card.view(drawn.calibrator, state?.back ?? false, this.risk, Boolean(this.asked))}</div>
        <div>${list?.length ? saved(list, shown, this.open) : null}</div>
      </aside></div>`;
  }
}
