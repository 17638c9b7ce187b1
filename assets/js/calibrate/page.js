// The Calibrate page: a calibrator is fitted, looked at, compared, activated and rolled back.

import { asked, settle } from "../shared/address.js";
import { BUSY, IDLE } from "../shared/jobs.js";
import { html } from "../shared/lit.js";
import { Plot } from "../shared/plot.js";
import { Poller } from "../shared/server.js";
import { VersionsPage } from "../shared/versions.js";
import { Card, saved } from "./card.js";
import { Diagrams } from "./diagrams.js";
import { Fit } from "./form.js";
import { groups, Sets } from "./guarantees.js";

/** @import {Answer, Given} from "../shared/types" */
/** @import {Risk, Shown, State} from "./types" */

/** @param {Given} given */
export function mount(given) {
  new Calibrate(given).start();
}

/** @extends {VersionsPage<State>} */
export class Calibrate extends VersionsPage {
  /** @type {string | null} The one beside it; null is the estimate without a calibrator. */
  compared = null;
  /** @type {string | null} The calibrator for which the form asked for another risk. */
  formed = null;
  /** @type {Shown | null} */
  drawn = null;
  /** @type {Risk | null} The risk that it was drawn for. */
  risked = null;
  fit = new Fit(this);
  diagrams = new Diagrams(this);
  sets = new Sets(this);
  card = new Card(this);
  // Drawn again in a moment while the metrics are being computed, or where that failed.
  drawing = new Poller({
    ask: () => this.#draw(),
    show: (answer) => this.#came(answer),
    wait: () => (this.diagrams.failed ? IDLE : this.drawn?.computing ? BUSY : null),
  });
  reading = new Poller({
    ask: () => this.call("sets", { version: this.shown, sets: this.sets.alpha }),
    show: ({ value, error }) => {
      const again = error ? IDLE : value?.computing ? BUSY : null;
      this.sets.set({ failed: error?.message ?? null, found: value ?? this.sets.found, again });
    },
    wait: () => this.sets.again,
  });

  /** @param {Given} given */
  constructor(given) {
    super(given, { label: "Fit", key: "calibrator" });
  }

  start() {
    const run = asked().get("run");
    if (run) this.fit.chosen.add(run);
    const name = (/** @type {URLSearchParams} */ query) =>
      this.set({ shown: query.get("calibrator"), compared: query.get("with") });
    return this.begun(name, () => this.arrange());
  }

  /** @param {State} state */
  async show(state) {
    const fitted = super.show(state);
    if (state.runs) {
      this.fit.show(state.runs);
      if (this.list?.length) Plot.warm();
    }
    this.paint();
    if (this.list && (state.runs || fitted)) await this.arrange();
  }

  async arrange() {
    this.choose();
    if (!this.known(this.compared) || this.compared === this.shown) this.compared = null;
    if (this.shown) return Promise.all([this.draw(), this.drawSets()]);
    for (const poller of [this.drawing, this.reading]) poller.stop();
    this.set({ drawn: null });
  }

  open = (/** @type {string} */ version) => {
    this.card.confirmation.now = null;
    this.opened(version);
    this.arrange();
  };

  // What the shown calibrator was fitted for, until the form asks for something else of it.
  get asked() {
    if (this.formed === this.shown) return null;
    return this.found?.asked ?? null;
  }

  get risk() {
    return this.asked ?? this.fit.risk;
  }

  ask() {
    this.formed = this.shown;
    this.draw();
  }

  draw() {
    settle({ with: this.compared });
    this.paint();
    return this.drawing.look();
  }

  async #draw() {
    const { shown, compared, risk } = this;
    return { shown, risk, answer: await this.call("show", { version: shown, with: compared, ...risk }) };
  }

  /** @param {{shown: string | null, risk: Risk, answer: Answer<Shown>}} came */
  #came({ shown, risk, answer: { value, error } }) {
    if (shown !== this.shown) return;
    this.diagrams.failed = error?.message ?? null;
    if (value) {
      Object.assign(this, { drawn: value, risked: risk });
      this.diagrams.draw(value);
    }
    this.paint();
  }

  /** The same of the prediction sets, which need the samples of every question. */
  drawSets() {
    return this.shown ? this.reading.look() : null;
  }

  /** @param {string} name @param {object} wanted */
  begin(name, wanted) {
    return super.begin(name, { ...wanted, sets: this.sets.alpha });
  }

  view() {
    const { shown, drawn, list, state, risked } = this;
    const card = () =>
      drawn && this.card.view(drawn.calibrator, state?.back ?? false, this.risk, Boolean(this.asked));
    return html`<div class="cx-page calibrate"><h1 class="cx-sr">Calibrate</h1>
      <aside class="cx-column loose" aria-label="New calibrator">${this.fit.view(this.running)}</aside>
      <section class="cx-column loose" aria-label="Calibration">
        <div data-part="job">${this.job.view(state?.job ?? null)}</div>
        <div>${list && this.diagrams.view()}</div>
        <div>${shown && drawn?.groups && risked && groups(drawn.groups, risked)}</div>
        <div>${shown && this.sets.view()}</div></section>
      <aside class="cx-column loose cx-calibrators" aria-label="Calibrators">
        <div>${shown && card()}</div><div>${list?.length ? saved(list, shown, this.open, this.config.metrics.auroc) : null}</div></aside></div>`;
  }
}
