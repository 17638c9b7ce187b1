// The Tune page: a run, a policy whose thresholds are moved, and at every movement what it would have done.

import { asked, keep, returned, settle } from "../shared/address.js";
import { choice } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { alarm } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { latest, Poller } from "../shared/server.js";
import { count, counted } from "../shared/words.js";
import { Changes } from "./changes.js";
import { curveTable, withPoints } from "./curve.js";
import { bodyOf, content, Draft, numberOf, outline, withThreshold } from "./draft.js";
import { Larger } from "./larger.js";
import { OutcomeView } from "./outcome.js";
import { Policies } from "./policies.js";
import { Saved } from "./saved.js";
import { Sliders } from "./sliders.js";
import { Steps } from "./steps.js";
import { Target } from "./target.js";

/** @import {Figure, Given, Policy} from "../shared/types" */
/** @import {Kept, Moved, Opened, Proposed, Run, Saved as SavedPolicy, Scale, State} from "./types" */

const KEPT = "codex.tune";
const LOOK = 5000; // ms between two looks at the runs and policies
const FOLLOWED = 50_000; // graded answers up to which a growing run is read again at each look
const GONE = "This run was deleted. Your policy and its undo history are kept; pick another run to continue.";
const MISSING = "This run does not exist or was deleted. Another one is open.";
const NOTHING = "This run has no graded answers yet. Wait for it, or pick another one.";

/** @param {Given} given */
export function mount(given) {
  const page = new Tune(given);
  page.paint();
  page.poller.start();
}

export class Tune extends Page {
  /** @type {State | null} */
  state = null;
  /** @type {Draft | null} */
  draft = null;
  /** @type {Opened | null} */
  run = null;
  /** @type {Promise<unknown> | null} */
  opening = null;
  /** @type {Figure | null} */
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
  target = new Target(this);
  steps = new Steps(this);
  sliders = new Sliders(this);
  saved = new Saved(this);
  policies = new Policies(this);
  outcome = new OutcomeView(this);
  changes = new Changes(this);
  larger = new Larger(this);
  poller = new Poller({
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

  /** @param {State} state */
  async #begin({ active, runs }) {
    const named = asked().get("run");
    const wanted = named ?? this.kept.run;
    this.draft = new Draft(bodyOf(active), this.kept.draft ?? null);
    this.saved.typed = this.kept.name ?? null;
    this.#given(this.draft);
    const first = runs.find(({ id }) => id === wanted) ?? runs.find(({ graded }) => graded) ?? runs[0];
    this.missing = Boolean(first && named && first.id !== named);
    this.paint();
    // Back may lead to the page without a run, or to one that was deleted since.
    returned((query) => {
      const now = this.state?.runs.find(({ id }) => id === query.get("run")) ?? first;
      if (now) this.open(now.id, settle);
    });
    if (!first) return;
    Plot.warm();
    await this.open(first.id, settle);
  }

  /** A threshold that another page's link sets; once, so that a reload does not undo what was moved since. @param {Draft} draft */
  #given(draft) {
    const query = asked();
    const [signal, threshold] = [query.get("signal") ?? "", numberOf(query.get("threshold") ?? "")];
    settle({ signal: null, threshold: null, side: null });
    if (!(signal in this.config.names) || Number.isNaN(threshold)) return;
    const side = query.get("side") === "above" ? "above" : "below";
    draft.move(withThreshold(draft.policy, signal, threshold, side));
    this.keep();
  }

  /** Open a run, or read the open one again; of several, the one that was picked last. @param {string} id */
  async open(id, put = keep) {
    if (!this.draft) return;
    const opening = this.call("open", { run: id, policy: this.draft.policy });
    this.opening = opening;
    const { value, error } = await opening;
    if (this.opening !== opening) return;
    this.opening = null;
    if (error) return this.#failed(error);
    Object.assign(this, { run: value, gone: false, message: value.questions ? null : NOTHING });
    put({ run: id });
    this.paint();
    this.#scales(); // of a policy that was moved on meanwhile
    if (value.questions) this.ask();
    this.keep();
  }

  #failed(/** @type {{message: string}} */ { message }) {
    this.set({ message });
    this.poller.look();
  }

  /** What people call a signal. @param {string} signal @returns {string} */
  name(signal) {
    return this.config.names[signal] ?? signal;
  }

  /** @param {Policy} policy @param {string | null} control */
  move(policy, control = null) {
    this.draft?.move(policy, control);
    this.#moved();
  }

  /** A threshold or a rule was moved: what was guaranteed of it no longer is. @param {Policy} policy @param {string | null} control */
  moveTo(policy, control) {
    this.move({ ...policy, guarantee: null }, control);
  }

  reset() {
    this.move(bodyOf(this.active));
  }

  /** @param {string} version */
  load(version) {
    const saved = this.#saved(version);
    this.saved.typed = null;
    this.move(bodyOf(saved));
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
      larger: this.larger.wanted(policy, opened),
    });
    if (error) return this.#failed(error);
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
    this.sliders.outcome = moved.now;
    this.larger.shown = moved.larger;
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

  /** @param {object} wanted @returns {Promise<Proposed>} */
  async propose(wanted) {
    while (this.opening) await this.opening;
    const { run, draft } = this;
    if (!run?.questions || !draft) return { error: { message: "Pick a run with graded answers first." } };
    const asked = { ...this.#wanted(run), ...wanted, policy: draft.policy };
    const { value, error } = await this.call("propose", asked);
    const other = run.run.id !== this.run?.run.id;
    if (error || other)
      return { error: error ?? { message: "Another run was opened meanwhile. Propose again." } };
    if (value.policy) this.move(value.policy);
    return { words: value.words, ok: Boolean(value.policy?.guarantee) };
  }

  save = (/** @type {string} */ name) => this.#store("save", name, "Saved as VERSION.");
  activate = (/** @type {string} */ name) =>
    this.#store("activate", name, "VERSION is used from the next question on.");

  /** @param {string} call @param {string} name @param {string} words */
  async #store(call, name, words) {
    const { value, error } = await this.call(call, { policy: this.draft?.policy, name });
    if (error) return { error };
    // Meanwhile it may have been moved on.
    if (this.draft && content(this.draft.policy) === content(value)) this.draft.policy = bodyOf(value);
    await this.poller.look();
    this.paint();
    this.ask();
    this.keep();
    return words.replace("VERSION", value.version);
  }

  export = async (/** @type {string} */ name) => {
    const { value, error } = await this.call("export", { policy: this.draft?.policy, name });
    if (error) return { error };
    download(value.name, value.text);
    return `Exported as ${value.name}.`;
  };

  import = async (/** @type {string} */ text) => {
    const { value, error } = await this.call("read", { text });
    if (error) return { error };
    this.saved.typed = null;
    this.move(bodyOf(value.policy));
    const lost = ", without its guarantee, which was measured on other answers. Propose again";
    return `${value.policy.name} is loaded${value.dropped ? lost : ""}.`;
  };

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
    const kept = {
      run: this.run?.run.id,
      draft: this.draft?.kept,
      name: this.saved.typed,
      target: this.target.values,
      larger: this.larger.run,
    };
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      // A browser that keeps nothing loses only the reload.
    }
  }

  #moved() {
    this.target.past = true;
    this.sliders.paint();
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
    // Not under somebody's hand: the sliders are rebuilt with the values of the run.
    const typing = document.activeElement?.matches(".cx-slider-head input");
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
  #words({ version, label }) {
    if (this.active.version === version) return `${label} (active)`;
    return (this.state?.policies.filter((one) => one.label === label).length ?? 0) > 1 ? version : label;
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
    const curve = html`<section class="cx-card cx-body" aria-label="Risk and coverage">${this.plot.element}</section>`;
    return html`<div class="cx-page tune ${none ? "empty" : ""}"><h1 class="cx-sr">Tune</h1>
      ${none ? nothingYet() : nothing}
      <section class="cx-column loose" aria-label="Policy" ?hidden=${!shown}>${shown && this.#side(shown, state)}</section>
      <section class="cx-column loose cx-tune-main ${run?.questions ? "" : "bare"}" aria-label="What it does" ?hidden=${none}>
        <div data-part="message">${alarm(this.message)}</div>
        <div>${run && this.outcome.view(this.#choices(), this.other, draft ? this.larger.alone(draft.policy) : nothing)}</div>
        <div>${run && draft && this.larger.view(draft.policy, run)}</div>
        <div>${run ? curve : nothing}</div><div>${run && this.changes.view()}</div></section></div>`;
  }

  /** @param {Draft} draft @param {State} state */
  #side(draft, state) {
    const { policy } = draft;
    const moved = content(state.active) !== content(policy);
    const thresholds = [this.steps.view(this.#name(), draft, moved), this.sliders.view(policy, this.run)];
    return html`${this.#picker(state)}${this.target.view()}${this.larger.side(policy, this.run)}<section class="cx-card cx-body" aria-label="Thresholds">${thresholds}</section>
      ${this.saved.view(policy.name)}${this.policies.view(state)}`;
  }

  /** The policies to compare with: the active one, then the others. @returns {[string, string][]} */
  #choices() {
    const list = (this.state?.policies ?? []).filter(({ version }) => version !== this.active.version);
    const others = /** @type {[string, string][]} */ (list.map((one) => [one.version, this.#words(one)]));
    return [["active", this.#words(this.active)], ...others];
  }

  /** @param {State} state */
  #picker({ runs }) {
    const { run } = this;
    const change = (/** @type {string} */ id) => {
      this.missing = false;
      this.open(id);
    };
    const gone = run && !runs.some(({ id }) => id === run.run.id);
    const options = /** @type {[string, string][]} */ ([
      ...(gone ? [[run.run.id, `${run.run.name} (deleted)`]] : []),
      ...runs.map((one) => [one.id, line(one)]),
    ]);
    const value = this.opening ? undefined : (run?.run.id ?? null);
    return html`<section class="cx-card cx-body" aria-label="Run"><h2><label for="cx-tune-run">Run</label></h2>
      ${choice(options, { id: "cx-tune-run", value, change })}
      ${alarm(this.missing && MISSING)}<div class="cx-muted cx-small">${run && source(run)}</div></section>`;
  }
}

/** A run in the list. @param {Run} run */
function line({ name, graded, state, created }) {
  const day = new Date(created).toLocaleDateString(undefined, { day: "numeric", month: "short" });
  return `${name} · ${count(graded)} graded · ${day}${state === "done" ? "" : `, ${state}`}`;
}

/** What the metrics rest on. @param {Opened} run */
function source({ questions, ungraded, calibrator, seen, unproven, why, unknown }) {
  const fitted = unproven
    ? `. ${unproven} What is shown here rests on answers that it has seen, so new ones may do worse.`
    : seen
      ? ", which was fitted on one half of these questions. Guarantees rest on the other half."
      : ".";
  const calibrated = html`<p>Confidence: calibrated by <b>${calibrator}</b>${fitted}</p>`;
  const estimated = html`<p><b>Estimated, not calibrated: </b>the confidence is what answers of other models suggest. ${why}</p>`;
  return html`<p>${counted(questions, "graded answer")}${ungraded ? `, ${count(ungraded)} not graded` : ""}.</p>
    ${calibrator ? calibrated : estimated}
    ${unknown ? html`<p>${counted(unknown, "answer")} without a confidence: deferred to a person.</p>` : nothing}`;
}

function nothingYet() {
  return html`<section class="cx-card cx-empty"><h2>No run to tune on yet</h2>
    <p>Thresholds are tuned on graded answers. Evaluate a dataset first.</p>
    <p><a class="cx-button primary" href="evaluate">Evaluate a dataset</a></p>
    <p class="cx-muted">or in a terminal: <code class="cx-mono">codex evaluate --dataset capitals</code></p></section>`;
}

/** Give the browser a file to save. @param {string} name @param {string} text */
function download(name, text) {
  const href = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

/** @returns {{run?: string, draft?: Kept, name?: string | null, target?: object, larger?: string}} */
function restored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") ?? {};
  } catch {
    return {};
  }
}
