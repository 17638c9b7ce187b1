// The Tune page: a run, a policy whose thresholds are moved, and at every movement what it would have done.

import { asked, keep } from "../shared/address.js";
import { choice } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { alarm } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { latest, Poller } from "../shared/server.js";
import { count, counted } from "../shared/words.js";
import { Changes } from "./changes.js";
import { curveTable, withPoints } from "./curve.js";
import { bodyOf, content, Draft, outline } from "./draft.js";
import { Knobs } from "./knobs.js";
import { OutcomeView } from "./outcome.js";
import { Saved } from "./saved.js";
import { Steps } from "./steps.js";
import { Target } from "./target.js";

/** @import {Policy} from "../shared/types" */
/** @import {Moved, Opened, Run, Saved as SavedPolicy, Scale, State} from "./types" */
/** @typedef {{message: string}} Failure */

const KEPT = "codex.tune";
const LOOK = 5000; // ms between two looks at the runs and policies
const FOLLOWED = 50_000; // graded answers up to which a growing run is read again at each look
const GONE = "This run was deleted. Your policy is kept, with every step of it; pick another run to go on.";
const MISSING = "There is no such run: it was deleted, or never there. Another one is open.";
const NOTHING = "This run has no graded answers yet. Wait for it, or pick another one.";

/** @param {import("../shared/page.js").Given} given */
export function mount(given) {
  const page = new Tune(given);
  page.paint();
  page.poller.start();
}

class Tune extends Page {
  /** @type {State | null} */
  state = null;
  /** @type {Draft | null} */
  draft = null;
  /** @type {Opened | null} */
  run = null;
  /** @type {Promise<unknown> | null} */
  opening = null;
  /** @type {import("../shared/plot.js").Figure | null} */
  figure = null;
  /** @type {string | null} Which curve is drawn. */
  curve = null;
  /** @type {string | null} */
  message = null;
  /** @type {string} The policy beside this one. */
  other = "active";
  missing = false;
  gone = false;
  lost = false;
  kept = restored();
  plot = new Plot();
  /** What this policy would have done; always of the newest. */
  ask = latest(() => this.#asked());

  /** @param {import("../shared/page.js").Given} given */
  constructor(given) {
    super(given);
    this.target = new Target(this, this.kept.target, {
      propose: (wanted) => this.propose(wanted),
      keep: () => this.keep(),
    });
    this.steps = new Steps(this, {
      step: (back) => this.step(back),
      reset: () => this.move(bodyOf(this.active)),
    });
    this.knobs = new Knobs(this, {
      gates: this.config.gates,
      scale: (signal) => this.scale(signal),
      move: (policy, control) => this.move({ ...policy, guarantee: null }, control),
      hold: (control, pointer) => this.draft?.hold(control, pointer),
      release: (pointer) => this.draft?.release(pointer),
    });
    this.saved = new Saved(this, {
      load: (version) => this.move(bodyOf(this.#saved(version))),
      save: (name) => this.store("save", name, ({ version }) => `Saved as ${version}.`),
      activate: (name) =>
        this.store("activate", name, ({ version }) => `${version} decides from the next question on.`),
      send: (name) => this.export(name),
      take: (text) => this.import(text),
    });
    this.outcome = new OutcomeView(this, (version) => {
      this.other = version;
      this.ask();
    });
    this.changes = new Changes(this.config.shown, () => this.ask());
    this.poller = new Poller({
      ask: () => this.call("look", { run: this.run?.run.id ?? null }),
      show: async ({ value, error }) => {
        if (error || this.lost) this.message = error?.message ?? null;
        this.lost = Boolean(error);
        if (value) this.#looked(value);
        this.paint();
        if (value && !this.draft) await this.#begin(value);
      },
      wait: () => LOOK,
    });
  }

  /** @param {State} state */
  async #begin({ active, runs }) {
    const named = asked().get("run");
    const wanted = named ?? this.kept.run;
    this.draft = new Draft(bodyOf(active), this.kept.draft ?? null);
    const first = runs.find(({ id }) => id === wanted) ?? runs.find(({ graded }) => graded) ?? runs[0];
    this.missing = Boolean(first && named && first.id !== named);
    this.paint();
    if (!first) return;
    Plot.warm();
    await this.open(first.id);
  }

  /** Open a run, or read the open one again; of several, the one that was picked last. @param {string} id */
  async open(id) {
    if (!this.draft) return;
    const opening = this.call("open", { run: id, policy: this.draft.policy });
    this.opening = opening;
    const { value, error } = await opening;
    if (this.opening !== opening) return;
    this.opening = null;
    if (error) {
      this.message = error.message;
      this.paint();
      return void this.poller.look();
    }
    Object.assign(this, { run: value, gone: false, message: value.questions ? null : NOTHING });
    keep({ run: id });
    this.paint();
    this.#scales(); // of a policy that was moved on meanwhile
    if (value.questions) this.ask();
    this.keep();
  }

  /** @param {Policy} policy @param {string | null} control */
  move(policy, control = null) {
    this.draft?.move(policy, control);
    this.#moved();
  }

  step(/** @type {boolean} */ back) {
    if (this.draft && (back ? this.draft.undo() : this.draft.redo())) this.#moved();
  }

  async #asked() {
    const { draft, run: opened } = this;
    if (!opened?.questions || !draft) return;
    const { policy, before } = draft;
    const { run, key } = this.#wanted(opened);
    const other = this.#other();
    const { value, error } = await this.call("move", {
      ...{ run, key, policy, other: bodyOf(other), limit: this.changes.limit, curve: this.curve },
      before: this.changes.since === "movement" ? before : bodyOf(other),
    });
    if (error) {
      this.message = error.message;
      this.paint();
      return void this.poller.look();
    }
    // What does not belong to the sliders is not shown beside them; the next answer is asked for already.
    if (run !== this.run?.run.id || outline(policy) !== outline(draft.policy)) return;
    if (!this.gone) this.message = null;
    this.run.key = value.key;
    this.#show(value, policy, other);
    await this.#draw(value, run);
  }

  /** @param {Moved} moved @param {Policy} policy @param {SavedPolicy} other */
  #show(moved, policy, other) {
    const names = { now: this.#name(), other: this.#words(other) };
    this.outcome.show(moved, names, { now: policy.guarantee, other: other.guarantee });
    this.knobs.outcome = moved.now;
    Object.assign(this.changes, { shown: moved.changes, other: names.other });
    this.paint();
  }

  /** @param {Moved} moved @param {string} run */
  async #draw(moved, run) {
    this.curve = moved.curve;
    const figure = moved.figure ?? (this.figure && withPoints(this.figure, moved));
    if (!figure) return;
    this.figure = { ...figure, layout: { ...figure.layout, uirevision: run, height: 300 } };
    await this.plot.draw(this.figure, { table: curveTable(this.figure) });
  }

  /** @param {object} wanted @returns {Promise<{words?: string, ok?: boolean, error?: Failure}>} */
  async propose(wanted) {
    while (this.opening) await this.opening;
    const { run, draft } = this;
    if (!run?.questions || !draft) return { error: { message: "Pick a run with graded answers first." } };
    const { value, error } = await this.call("propose", {
      ...this.#wanted(run),
      ...wanted,
      policy: draft.policy,
    });
    if (error) return { error };
    if (run.run.id !== this.run?.run.id)
      return { error: { message: "Another run was picked meanwhile. Propose again." } };
    if (value.policy) this.move(value.policy);
    return { words: value.words, ok: Boolean(value.policy?.guarantee) };
  }

  /** @param {string} call @param {string} name @param {(saved: SavedPolicy) => string} words */
  async store(call, name, words) {
    const { value, error } = await this.call(call, { policy: this.draft?.policy, name });
    if (error) return { error };
    // Meanwhile it may have been moved on.
    if (this.draft && content(this.draft.policy) === content(value)) this.draft.policy = bodyOf(value);
    await this.poller.look();
    this.paint();
    this.ask();
    this.keep();
    return words(value);
  }

  /** @param {string} name */
  async export(name) {
    const { value, error } = await this.call("export", { policy: this.draft?.policy, name });
    if (error) return { error };
    download(value.name, value.text);
    return `Exported as ${value.name}.`;
  }

  /** @param {string} text */
  async import(text) {
    const { value, error } = await this.call("read", { text });
    if (error) return { error };
    this.move(bodyOf(value.policy));
    const on = `${value.policy.name} is on the sliders`;
    return value.dropped
      ? `${on}, without its guarantee: that was made on other answers. Propose again.`
      : `${on}.`;
  }

  /** Where a signal's values lie in the run; undefined where that cannot be known. @param {string} signal @returns {Promise<Scale | undefined>} */
  async scale(signal) {
    const { run } = this;
    if (!run) return undefined;
    if (signal in run.scales) return run.scales[signal];
    const { value } = await this.call("scale", { ...this.#wanted(run), signal });
    if (value) run.scales[signal] = value;
    return value;
  }

  /** What a reload must not lose. */
  keep() {
    const kept = { run: this.run?.run.id, draft: this.draft?.kept, target: this.target.values };
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      // A browser that keeps nothing loses only the reload.
    }
  }

  #moved() {
    this.target.past = true;
    this.knobs.paint();
    this.keep();
    this.ask();
    return this.#scales();
  }

  // A policy that was loaded may name signals that no slider had yet.
  async #scales() {
    const { run, draft } = this;
    if (!run || !draft) return;
    const missing = draft.policy.rules.filter(({ signal }) => !(signal in run.scales));
    for (const { signal } of missing) {
      await this.scale(signal);
      if (run !== this.run) return;
    }
    if (missing.length) this.paint();
  }

  #wanted(/** @type {Opened} */ { run, key }) {
    return { run: run.id, key };
  }

  /** @param {State} state */
  #looked(state) {
    this.state = state;
    if (this.other === state.active.version || !state.policies.some(({ version }) => version === this.other))
      this.other = "active";
    const { run, draft } = this;
    if (!run || !draft) return;
    const now = state.runs.find(({ id }) => id === run.run.id);
    if (!now && !this.gone) Object.assign(this, { gone: true, message: GONE });
    // Not under somebody's hand: the sliders are made anew with the values of the run.
    const typing = document.activeElement?.matches(".cx-knob-field");
    const inUse = this.opening || this.ask.busy() || draft.held !== null || typing;
    const grown = now && state.key !== run.key && !inUse;
    if (grown && (now.state !== "running" || now.graded < FOLLOWED)) this.open(now.id);
  }

  get active() {
    return /** @type {State} */ (this.state).active;
  }

  /** @param {string} version @returns {SavedPolicy} */
  #saved(version) {
    return this.state?.policies.find((one) => one.version === version) ?? this.active;
  }

  #other() {
    return this.#saved(this.other);
  }

  /** @param {SavedPolicy} policy */
  #words({ version, name }) {
    if (this.active.version === version) return `${name} (active)`;
    return (this.state?.policies.filter((one) => one.name === name).length ?? 0) > 1 ? version : name;
  }

  /** What the policy on the sliders is called: like the one it equals, or as a moved one. */
  #name() {
    const policy = this.draft?.policy ?? this.active;
    const same = [this.active, ...(this.state?.policies ?? [])].find(
      (one) => content(one) === content(policy),
    );
    return same ? this.#words(same) : `${policy.name}, moved`;
  }

  view() {
    const { state, draft, run } = this;
    const none = state && !state.runs.length && !run;
    const shown = state && !none && draft;
    return html`<div class="cx-tuning ${none ? "empty" : ""}"><h1 class="cx-sr">Tune</h1>
      ${none ? nothingYet() : nothing}
      <section class="cx-tuning-side" aria-label="Policy" ?hidden=${!shown}>${shown && this.#side(shown, state)}</section>
      <section class="cx-tuning-main ${run?.questions ? "" : "bare"}" aria-label="What it does" ?hidden=${none}>
        <div data-part="message">${alarm(this.message)}</div>
        <div>${run && this.outcome.view(this.#choices(true), this.other)}</div>
        <div>${run ? html`<section class="cx-lab-card cx-tuning-card" aria-label="Risk and coverage">${this.plot.element}</section>` : nothing}</div>
        <div>${run && this.changes.view()}</div></section></div>`;
  }

  /** @param {Draft} draft @param {State} state */
  #side(draft, state) {
    const { policy } = draft;
    const moved = content(state.active) !== content(policy);
    return html`<div>${this.#picker(state)}</div><div>${this.target.view()}</div>
      <div><section class="cx-lab-card cx-tuning-card" aria-label="Thresholds">${this.steps.view(this.#name(), draft, moved)}${this.knobs.view(policy, this.run)}</section></div>
      <div>${this.saved.view(this.#choices(), policy.name)}</div>`;
  }

  /** The policies that there are; others: than the active one, which goes first. @returns {[string, string][]} */
  #choices(others = false) {
    const list = (this.state?.policies ?? []).filter(
      ({ version }) => !others || version !== this.active.version,
    );
    const all = /** @type {[string, string][]} */ (list.map((one) => [one.version, this.#words(one)]));
    return others ? [["active", this.#words(this.active)], ...all] : all;
  }

  /** @param {State} state */
  #picker({ runs }) {
    const { run } = this;
    const pick = (/** @type {string} */ id) => {
      this.missing = false;
      this.open(id);
    };
    const gone = run && !runs.some(({ id }) => id === run.run.id);
    const options = /** @type {[string, string][]} */ ([
      ...(gone ? [[run.run.id, `${run.run.name} (deleted)`]] : []),
      ...runs.map((one) => [one.id, line(one)]),
    ]);
    return html`<section class="cx-lab-card cx-tuning-card" aria-label="Run"><label for="cx-tuning-run">Run</label>
      ${choice(options, { id: "cx-tuning-run", value: this.opening ? undefined : (run?.run.id ?? null), change: pick })}
      ${alarm(this.missing && MISSING)}<div class="cx-muted cx-tuning-source">${run && source(run)}</div></section>`;
  }
}

/** A run in the list. @param {Run} run */
function line({ name, graded, state, created }) {
  const day = new Date(created).toLocaleDateString(undefined, { day: "numeric", month: "short" });
  return `${name} · ${count(graded)} graded · ${day}${state === "done" ? "" : `, ${state}`}`;
}

/** What the figures rest on. @param {Opened} run */
function source({ questions, ungraded, calibrator, seen, why, unknown }) {
  const fitted = seen ? ", which was fitted to a part of this run. Promises rest on the other part." : ".";
  return html`<p>${counted(questions, "graded answer")}${ungraded ? `, ${count(ungraded)} not graded` : ""}.</p>
    ${
      calibrator
        ? html`<p>Confidence: calibrated by <b>${calibrator}</b>${fitted}</p>`
        : html`<p><b>Not calibrated: </b>the confidence is the heuristic. ${why}</p>`
    }
    ${unknown ? html`<p>${counted(unknown, "answer")} without a confidence: a person decides.</p>` : nothing}`;
}

function nothingYet() {
  return html`<div><section class="cx-lab-card cx-tuning-card cx-tuning-none"><h2>No run to tune on yet</h2>
    <p>Thresholds are tuned on answers of which it is known whether they are right. Evaluate a set of questions first.</p>
    <p><a class="cx-button primary" href="evaluate">Evaluate a dataset</a></p>
    <p class="cx-muted">or in the shell: <code>codex evaluate --dataset capitals</code></p></section></div>`;
}

/** Give the browser a file to save. @param {string} name @param {string} text */
function download(name, text) {
  const href = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

/** @returns {{run?: string, draft?: import("./draft.js").Kept, target?: object}} */
function restored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") ?? {};
  } catch {
    return {};
  }
}
