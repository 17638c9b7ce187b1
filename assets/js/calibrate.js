// The Calibrate page: a calibrator is fit, looked at, compared, activated and rolled back.

import { Diagrams } from "./calibrate_diagrams.js";
import { Fit } from "./calibrate_fit.js";
import { Groups, Sets } from "./calibrate_promises.js";
import { Card, Saved } from "./calibrate_saved.js";
import { WorkBar } from "./job.js";
import { address, BUSY, caller, IDLE } from "./lab.js";
import { again, newest } from "./waits.js";

export function mount({ element, props, server }) {
  new Calibrate(element, JSON.parse(props.config), caller(server)).start();
}

class Calibrate {
  constructor(element, config, call) {
    Object.assign(this, { call, state: null, version: null, shown: null, compared: null, watched: null, timer: null, turn: 0, newest: newest() });
    const part = (name) => element.querySelector(`[data-part="${name}"]`);
    this.fit = new Fit(part("fit"), { ...config, onfit: (wanted) => this.begin(wanted), onrisk: () => this.ask() });
    this.job = new WorkBar(part("job"), {
      label: "Fit",
      oncancel: ({ id }) => this.call("cancel", { job: id }).then(() => this.look()),
      ended: () => null,
    });
    this.diagrams = new Diagrams(part("diagrams"), {
      oncompare: (version) => {
        this.compared = version;
        this.draw();
      },
    });
    this.groups = new Groups(part("groups"));
    this.sets = new Sets(part("sets"), { alpha: config.defaults.sets, onalpha: () => this.drawSets() });
    this.card = new Card(part("card"), {
      onactivate: (version) => this.change("activate", { version }),
      onpromise: (version) => this.change("keep_promise", { version, ...this.risk }),
      onrollback: () => this.change("rollback", {}),
      ondelete: (version) => this.change("delete", { version }),
      ongone: () => this.fit.focus(),
    });
    this.saved = new Saved(part("saved"), { onshow: (version) => this.show(version) });
  }

  async start() {
    const query = new URLSearchParams(location.search);
    again(() => this.look());
    this.shown = query.get("calibrator");
    this.compared = query.get("with");
    if (query.get("run")) this.fit.choose([query.get("run")]);
    await this.look();
  }

  async look() {
    clearTimeout(this.timer);
    const answer = await this.newest(this.call("look", { seen: this.version }));
    if (!answer) return; // whoever looked since goes on looking
    const { value, error } = answer;
    if (value) await this.display(value);
    this.job.unreachable(error?.message);
    clearTimeout(this.timer);
    const busy = this.state?.job?.state === "running";
    if (!document.hidden) this.timer = setTimeout(() => this.look(), busy ? BUSY : IDLE);
  }

  async display(state) {
    this.state = { ...this.state, ...state };
    this.job.show(state.job);
    this.fit.state(state.job?.state === "running");
    if (state.job?.state === "running") this.watched = state.job.id;
    if (state.runs) {
      this.version = state.version;
      this.state.back = state.back;
      this.fit.show(state.runs);
      this.list = state.calibrators;
    }
    // The list may have been read a moment before the calibrator was saved: then the next look shows it.
    const made = state.job?.id === this.watched ? state.job?.calibrator : null;
    const fitted = made && this.list?.some(({ version }) => version === made);
    if (fitted) {
      this.watched = null;
      this.shown = made;
      address({ calibrator: made, run: null });
    }
    if (this.list && (state.runs || fitted)) await this.arrange();
  }

  async arrange() {
    const known = (version) => this.list.some((one) => one.version === version);
    if (this.shown && !known(this.shown)) address({ calibrator: null });
    if (!known(this.shown)) this.shown = (this.list.find(({ active }) => active) ?? this.list[0])?.version ?? null;
    if (!known(this.compared) || this.compared === this.shown) this.compared = null;
    this.saved.show(this.list, this.shown);
    if (this.shown) return Promise.all([this.draw(), this.drawSets()]);
    this.turn += 1;
    this.diagrams.none(this.state.runs?.length ?? 0);
    for (const part of [this.groups, this.sets, this.card]) part.hide();
  }

  show(version) {
    this.shown = version;
    address({ calibrator: version, run: null });
    if (this.list) this.arrange();
  }

  // What the shown calibrator was fitted for, until the form asks for something else of it.
  get asked() {
    return this.formed === this.shown ? null : this.list.find(({ version }) => version === this.shown)?.asked;
  }

  get risk() {
    return this.asked ?? this.fit.risk;
  }

  ask() {
    this.formed = this.shown;
    this.draw();
  }

  /** Draw what is shown; again in a moment while its figures are being computed, or where that failed. */
  async draw() {
    clearTimeout(this.waiting);
    const { shown, compared } = this;
    if (!shown) return;
    const turn = (this.turn += 1);
    const { risk } = this;
    address({ with: compared });
    const others = this.list.filter(({ version }) => version !== shown).map(({ version }) => [version, version]);
    this.diagrams.begin(shown, others, compared);
    const { value, error } = await this.call("show", { version: shown, with: compared, ...risk });
    // What was asked for later stands already, or comes.
    if (turn !== this.turn) return;
    this.diagrams.fail(error?.message);
    if (!value) {
      this.waiting = setTimeout(() => this.draw(), IDLE);
      return;
    }
    const { calibrator, groups, ...view } = value;
    this.diagrams.show(view);
    this.groups.show(groups, risk);
    this.card.show(calibrator, this.state.back, { ...risk, fitted: Boolean(this.asked) });
    if (view.computing) this.waiting = setTimeout(() => this.draw(), BUSY);
  }

  /** The same of the answer sets, which need the samples of every question. */
  async drawSets() {
    clearTimeout(this.reading);
    const { shown } = this;
    const { alpha } = this.sets;
    if (!shown) return;
    const { value, error } = await this.call("sets", { version: shown, sets: alpha });
    // What was asked for later stands already, or comes.
    if (shown !== this.shown || alpha !== this.sets.alpha) return;
    this.sets.fail(error?.message);
    clearTimeout(this.reading);
    if (!value) {
      this.reading = setTimeout(() => this.drawSets(), IDLE);
      return;
    }
    this.sets.show(value);
    if (value.computing) this.reading = setTimeout(() => this.drawSets(), BUSY);
  }

  async begin(wanted) {
    const { value, error } = await this.call("fit", { ...wanted, sets: this.sets.alpha });
    if (value) {
      this.watched = value.id;
      this.state = { ...this.state, job: value };
      this.job.show(value);
    }
    this.look();
    return error?.message ?? null;
  }

  async change(name, wanted) {
    const { error } = await this.call(name, wanted);
    this.version = null;
    dispatchEvent(new Event("codex-status"));
    await this.look();
    return error?.message ?? null;
  }
}
