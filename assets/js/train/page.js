// The Train page: probes are trained on runs, compared with the signals alone, activated and deleted.

import { asked, keep, returned, settle } from "../shared/address.js";
import { JobPage } from "../shared/jobs.js";
import { html } from "../shared/lit.js";
import { Card, empty, saved } from "./card.js";
import { Training } from "./form.js";

/** @import {Given} from "../shared/types" */
/** @import {Probes, State} from "./types" */

/** @param {Given} given */
export function mount(given) {
  new Train(given).start();
}

/** @extends {JobPage<State>} */
export class Train extends JobPage {
  /** @type {string | null} The list that is here. */
  version = null;
  /** @type {Probes[] | null} */
  list = null;
  /** @type {string | null} The probes that are looked at. */
  shown = null;
  /** @type {string | null} A training of which the end is awaited. */
  watched = null;
  training = new Training(this);
  card = new Card(this);

  /** @param {Given} given */
  constructor(given) {
    super(given, { label: "Training" });
  }

  start() {
    const run = asked().get("run");
    if (run) this.training.chosen.add(run);
    this.shown = asked().get("probes");
    returned((now) => {
      this.shown = now.get("probes");
      this.#arrange();
      this.paint();
    });
    return this.poller.start();
  }

  get problem() {
    return this.state?.problem ?? "";
  }

  seen() {
    return { seen: this.version };
  }

  /** @param {State} state */
  show(state) {
    super.show({ ...this.state, ...state });
    const { job } = state;
    if (this.running && job) this.watched = job.id;
    if (state.runs) {
      this.version = state.version;
      this.list = state.probes ?? [];
      this.training.show(state.runs);
    }
    // The list may have been read a moment before they were saved: then the next look shows them.
    const made = job && job.id === this.watched ? job.probes : null;
    if (made && this.#has(made)) {
      Object.assign(this, { watched: null, shown: made });
      settle({ probes: made, run: null });
    }
    this.#arrange();
  }

  #has(/** @type {string | null} */ version) {
    return (this.list ?? []).some((one) => one.version === version);
  }

  #arrange() {
    const { list } = this;
    if (!list) return;
    if (this.shown && !this.#has(this.shown)) settle({ probes: null });
    if (!this.#has(this.shown)) this.shown = (list.find(({ active }) => active) ?? list[0])?.version ?? null;
  }

  open = (/** @type {string} */ version) => {
    this.card.confirmation.now = null;
    keep({ probes: version, run: null });
    this.set({ shown: version });
  };

  /** @param {string} name @param {object} wanted */
  async begin(name, wanted) {
    const error = await super.begin(name, wanted);
    if (!error) this.watched = this.state?.job?.id ?? null;
    return error;
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
    const { list, shown, state } = this;
    const probes = list?.find(({ version }) => version === shown);
    return html`<div class="cx-page train"><h1 class="cx-sr">Train</h1>
      <aside class="cx-column loose" aria-label="New training">${this.training.view()}</aside>
      <section class="cx-column loose" aria-label="Result">
        <div data-part="job">${this.job.view(state?.job ?? null)}</div>
        <div>${probes ? this.card.view(probes, state?.back ?? false) : list && empty()}</div></section>
      <aside class="cx-column loose cx-calibrators" aria-label="Saved">
        <div>${list?.length ? saved(list, shown, this.open) : null}</div></aside></div>`;
  }
}
