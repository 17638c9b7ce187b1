// The Train page: probes, verifiers and the model itself are trained on runs, compared, put to use and deleted.

import { asked, settle } from "../shared/address.js";
import { html } from "../shared/lit.js";
import { VersionsPage } from "../shared/versions.js";
import { Card, empty, saved } from "./card.js";
import { Course } from "./course.js";
import { Training } from "./form.js";
import { AdapterCard } from "./tuned.js";

/** @import {Given} from "../shared/types" */
/** @import {Adapter, Kind, Method, Probes, State, Verifier} from "./types" */

/** @param {Given} given */
export function mount(given) {
  new Train(given).start();
}

/** @extends {VersionsPage<State>} */
export class Train extends VersionsPage {
  /** @type {Kind} What the form teaches. */
  kind = "probe";
  /** @type {Method} How a verifier is trained. */
  method = "readout";
  training = new Training(this);
  card = new Card(this);
  adapter = new AdapterCard(this);
  course = new Course(this);

  /** @param {Given} given */
  constructor(given) {
    super(given, { label: "Training", key: "version" });
  }

  start() {
    const query = asked();
    const run = query.get("run");
    if (run) this.training.chosen.add(run);
    const teach = query.get("teach");
    if (teach === "verifier" || teach === "answerer" || teach === "reward") this.kind = teach;
    const name = (/** @type {URLSearchParams} */ query) => {
      this.shown = query.get(this.key);
    };
    return this.begun(name, () => {
      this.choose();
      this.paint();
    });
  }

  get problem() {
    return this.state?.problems?.[this.kind === "verifier" ? this.method : this.kind] ?? "";
  }

  /** Teach another kind; runs that do not fit it are chosen no more. @param {Kind} kind */
  teach(kind) {
    this.kind = kind;
    settle({ teach: kind === "probe" ? null : kind });
    this.training.show(this.training.runs);
    this.training.form.fail(null);
  }

  /** Train a verifier by the other method. @param {Method} method */
  by(method) {
    this.method = method;
    this.training.form.fail(null);
  }

  /** @param {State} state */
  show(state) {
    super.show(state);
    if (state.runs) this.training.show(state.runs);
    this.choose();
    this.paint();
    const { job } = state;
    if (job?.course) this.course.draw(job.id, job.course);
  }

  open = (/** @type {string} */ version) => {
    this.card.confirmation.now = null;
    this.adapter.confirmation.now = null;
    this.opened(version);
  };

  /** @param {Probes | Verifier | Adapter} found */
  #card(found) {
    return "state" in found ? this.adapter.view(found) : this.card.view(found);
  }

  view() {
    const { list, shown, state, found } = this;
    return html`<div class="cx-page train"><h1 class="cx-sr">Train</h1>
      <aside class="cx-column loose" aria-label="New training">${this.training.view()}</aside>
      <section class="cx-column loose" aria-label="Result">
        <div data-part="job">${this.job.view(state?.job ?? null)}</div><div>${this.course.view()}</div>
        <div>${found ? this.#card(found) : list && empty(this.kind)}</div></section>
      <aside class="cx-column loose cx-calibrators" aria-label="Saved">
        <div>${list?.length ? saved(list, shown, this.open) : null}</div></aside></div>`;
  }
}
