// The Tune page: a run, a policy whose thresholds are moved, and at every movement what it would have done.

import { fill, h } from "./dom.js";
import { caller } from "./lab.js";
import { draw } from "./plot.js";
import { Changes } from "./tune_changes.js";
import { curveTable, withPoints } from "./tune_curve.js";
import { Draft, bodyOf, content, outline } from "./tune_draft.js";
import { Knobs } from "./tune_knobs.js";
import { OutcomeView, counted } from "./tune_outcome.js";
import { Saved, download } from "./tune_saved.js";
import { Steps } from "./tune_steps.js";
import { Target } from "./tune_target.js";
import { again, newest } from "./waits.js";

const KEPT = "codex.tune";
const LOOK = 5000; // ms between two looks at the runs and policies
const FOLLOWED = 50_000; // graded answers up to which a growing run is read again at each look

export function mount({ element, props, server }) {
  new Tune(element, JSON.parse(props.config), caller(server)).start();
}

class Tune {
  constructor(element, config, call) {
    Object.assign(this, { call, config, runs: [], policies: [], other: "active", run: null, newest: newest() });
    this.kept = restored();
    const part = (name) => element.querySelector(`[data-part="${name}"]`);
    this.parts = Object.fromEntries(["page", "empty", "side", "main", "plot"].map((name) => [name, part(name)]));
    this.parts.side.hidden = true; // until there is something to tune
    this.#runBar(part("run"));
    this.target = new Target(
      part("target"),
      { onpropose: (wanted) => this.propose(wanted), onkeep: () => this.keep() },
      this.kept.target,
    );
    this.steps = new Steps({
      onstep: (back) => this.step(back),
      onreset: () => this.move(bodyOf(this.active)),
    });
    this.knobs = new Knobs({
      gates: config.gates,
      onscale: (signal) => this.scale(signal),
      onmove: (policy, control) => this.move({ ...policy, promise: null }, control),
      onhold: (control, pointer) => this.draft.hold(control, pointer),
      onrelease: (pointer) => this.draft.release(pointer),
    });
    part("knobs").append(
      h("section.cx-lab-card.cx-tuning-card", { "aria-label": "Thresholds" }, this.steps.node, this.knobs.node),
    );
    this.saved = new Saved(part("saved"), {
      onload: (version) => this.move(bodyOf(this.policies.find((one) => one.version === version))),
      onsave: (name) => this.store("save", name, (saved) => `Saved as ${saved.version}.`),
      onactivate: (name) =>
        this.store("activate", name, (saved) => `${saved.version} decides from the next question on.`),
      onexport: (name) => this.export(name),
      onimport: (text) => this.import(text),
    });
    this.message = part("message");
    this.outcome = new OutcomeView(part("outcome"), {
      onother: (version) => {
        this.other = version;
        this.ask();
      },
    });
    this.figure = h("div");
    this.parts.plot.append(h("section.cx-lab-card.cx-tuning-card", { "aria-label": "Risk and coverage" }, this.figure));
    this.changes = new Changes(part("changes"), { shown: config.shown, onchange: () => this.ask() });
  }

  async start() {
    const named = new URLSearchParams(location.search).get("run");
    const wanted = named ?? this.kept.run;
    const state = await this.look();
    if (!state) return;
    this.draft = new Draft(bodyOf(state.active), this.kept.draft);
    this.#show();
    const first = this.runs.find(({ id }) => id === wanted) ?? this.runs.find(({ graded }) => graded) ?? this.runs[0];
    this.missing.hidden = !first || !named || first.id === named;
    if (first) await this.open(first.id);
    again(() => this.look());
  }

  /** See which runs and policies there are now. */
  async look() {
    clearTimeout(this.looking);
    const answer = await this.newest(this.call("look", { run: this.run?.run.id ?? null }));
    if (!answer) return null;
    const { value, error } = answer;
    if (error || this.lost) this.say(error?.message ?? "");
    this.lost = Boolean(error);
    if (value) this.#looked(value);
    if (!document.hidden) this.looking = setTimeout(() => (this.draft ? this.look() : this.start()), LOOK);
    return value ?? null;
  }

  /** Open a run, or read the open one again; of several, the one that was picked last. */
  async open(id) {
    const opening = (this.opening = this.call("open", { run: id, policy: this.draft.policy }));
    const { value, error } = await opening;
    if (this.opening !== opening) return;
    this.opening = null;
    if (error) {
      this.say(error.message);
      return void this.look();
    }
    this.run = value;
    this.gone = false;
    this.say("");
    this.#source();
    const address = new URL(location.href);
    address.searchParams.set("run", id);
    history.replaceState(null, "", address);
    this.picker.value = id;
    this.#show();
    this.parts.main.classList.toggle("bare", !value.questions);
    this.#scales(); // of a policy that was moved on meanwhile
    if (value.questions) this.ask();
    else this.say("This run has no graded answers yet. Wait for it, or pick another one.");
    this.keep();
  }

  move(policy, control = null) {
    this.draft.move(policy, control);
    this.#moved();
  }

  step(back) {
    if (this.draft && (back ? this.draft.undo() : this.draft.redo())) this.#moved();
  }

  // Always the last: while one question to the server is under way, only the newest policy waits.
  async ask() {
    if (!this.run?.questions) return;
    if (this.asking) return void (this.again = true);
    this.asking = true;
    do {
      this.again = false;
      await this.#asked();
    } while (this.again);
    this.asking = false;
  }

  async #asked() {
    const { policy, before } = this.draft;
    const { run, key } = this.#wanted();
    const other = this.#other();
    const { value, error } = await this.call("move", {
      run,
      key,
      policy,
      other: bodyOf(other),
      before: this.changes.since === "movement" ? before : bodyOf(other),
      limit: this.changes.limit,
      curve: this.curve,
    });
    if (error) {
      this.say(error.message);
      return void this.look();
    }
    // What does not belong to the sliders is not shown beside them; the next answer is asked for already.
    if (run !== this.run.run.id || outline(policy) !== outline(this.draft.policy)) return;
    if (!this.gone) this.say("");
    const words = this.#words(other);
    this.run.key = value.key;
    this.outcome.show(value, { now: this.#name(), other: words }, { now: policy.promise, other: other.promise });
    this.knobs.count(value.now);
    this.changes.show(value.changes, words);
    this.curve = value.curve;
    this.plot = value.figure ?? withPoints(this.plot, value);
    Object.assign(this.plot.layout, { uirevision: run, height: 300 });
    await draw(this.figure, this.plot, { table: curveTable(this.plot) });
  }

  async propose(wanted) {
    while (this.opening) await this.opening;
    const { run } = this;
    if (!run?.questions) return { error: { message: "Pick a run with graded answers first." } };
    const { value, error } = await this.call("propose", { ...this.#wanted(), ...wanted, policy: this.draft.policy });
    if (error) return { error };
    if (run.run.id !== this.run.run.id) return { error: { message: "Another run was picked meanwhile. Propose again." } };
    if (value.policy) this.move(value.policy);
    return { words: value.words, ok: Boolean(value.policy?.promise) };
  }

  async store(call, name, words) {
    const { value, error } = await this.call(call, { policy: this.draft.policy, name });
    if (error) return { error };
    // Meanwhile it may have been moved on.
    if (content(this.draft.policy) === content(value)) this.draft.policy = bodyOf(value);
    await this.look();
    this.#show();
    this.ask();
    this.keep();
    return words(value);
  }

  async export(name) {
    const { value, error } = await this.call("export", { policy: this.draft.policy, name });
    if (error) return { error };
    download(value.name, value.text);
    return `Exported as ${value.name}.`;
  }

  async import(text) {
    const { value, error } = await this.call("read", { text });
    if (error) return { error };
    this.move(bodyOf(value.policy));
    return value.dropped
      ? `${value.policy.name} is on the sliders, without its promise: that was made on other answers. Propose again.`
      : `${value.policy.name} is on the sliders.`;
  }

  /** Where a signal's values lie in the run; undefined where that cannot be known. */
  async scale(signal) {
    const { scales } = this.run;
    if (signal in scales) return scales[signal];
    const { value } = await this.call("scale", { ...this.#wanted(), signal });
    if (value) scales[signal] = value;
    return value;
  }

  say(message) {
    fill(this.message, message ? h("p.cx-error", { role: "alert" }, message) : null);
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

  async #moved() {
    this.target.moved();
    this.#show();
    this.keep();
    this.ask();
    await this.#scales();
  }

  // A policy that was loaded may name signals that no slider had yet.
  async #scales() {
    const { run } = this;
    if (!run) return;
    const missing = this.draft.policy.rules.filter(({ signal }) => !(signal in run.scales));
    for (const { signal } of missing) {
      await this.scale(signal);
      if (run !== this.run) return;
    }
    if (missing.length) this.#show();
  }

  #wanted() {
    return { run: this.run.run.id, key: this.run.key };
  }

  #looked(state) {
    Object.assign(this, { runs: state.runs, policies: state.policies, active: state.active });
    this.parts.empty.hidden = this.runs.length > 0;
    this.parts.main.hidden = this.parts.side.hidden = !this.runs.length && !this.run;
    this.parts.page.classList.toggle("empty", this.parts.main.hidden);
    this.#picker();
    const choices = this.policies.map((one) => ({ version: one.version, words: this.#words(one) }));
    this.saved.choices(choices);
    if (this.other === this.active.version || !this.policies.some(({ version }) => version === this.other))
      this.other = "active";
    const others = choices.filter(({ version }) => version !== this.active.version);
    this.outcome.choices([{ version: "active", words: this.#words(this.active) }, ...others], this.other);
    if (this.draft) this.#steps();
    if (!this.run) return;
    const now = this.runs.find(({ id }) => id === this.run.run.id);
    if (!now && !this.gone) {
      this.gone = true;
      this.say("This run was deleted. Your policy is kept, with every step of it; pick another run to go on.");
    }
    // Not under somebody's hand: the sliders are made anew with the values of the run.
    const inUse = this.opening || this.asking || this.draft.held !== null || document.activeElement?.matches(".cx-knob-field");
    const grown = now && state.key !== this.run.key && !inUse;
    if (grown && (now.state !== "running" || now.graded < FOLLOWED)) this.open(now.id);
  }

  #other() {
    return this.policies.find(({ version }) => version === this.other) ?? this.active;
  }

  #words({ version, name }) {
    if (this.active.version === version) return `${name} (active)`;
    return this.policies.filter((one) => one.name === name).length > 1 ? version : name;
  }

  /** What the policy on the sliders is called: like the one it equals, or as a moved one. */
  #name() {
    const { policy } = this.draft;
    const same = [this.active, ...this.policies].find((one) => content(one) === content(policy));
    return same ? this.#words(same) : `${policy.name}, moved`;
  }

  #show() {
    const { policy } = this.draft;
    this.knobs.show(policy, this.run);
    this.#steps();
    this.saved.call(policy.name);
  }

  #steps() {
    this.steps.show(this.#name(), this.draft, content(this.active) !== content(this.draft.policy));
  }

  #source() {
    const { questions, ungraded, calibrator, seen, why, unknown } = this.run;
    fill(
      this.source,
      h("p", `${counted(questions, "graded answer")}${ungraded ? `, ${ungraded.toLocaleString("en")} not graded` : ""}.`),
      calibrator
        ? h(
            "p",
            "Confidence: calibrated by ",
            h("b", calibrator),
            seen ? ", which was fitted to a part of this run. Promises rest on the other part." : ".",
          )
        : h("p", h("b", "Not calibrated: "), `the confidence is the heuristic. ${why}`),
      unknown ? h("p", `${counted(unknown, "answer")} without a confidence: a person decides.`) : null,
    );
  }

  #picker() {
    const key = JSON.stringify(this.runs);
    if (key === this.pickerKey) return;
    this.pickerKey = key;
    const chosen = this.run?.run.id ?? this.picker.value;
    const gone = this.run && !this.runs.some(({ id }) => id === chosen);
    fill(
      this.picker,
      gone ? h("option", { value: chosen, disabled: true }, `${this.run.run.name} (deleted)`) : null,
      this.runs.map(({ id, name, graded, state, created }) => {
        const day = new Date(created).toLocaleDateString(undefined, { day: "numeric", month: "short" });
        const how = state === "done" ? "" : `, ${state}`;
        return h("option", { value: id }, `${name} · ${graded.toLocaleString("en")} graded · ${day}${how}`);
      }),
    );
    this.picker.value = chosen;
  }

  #runBar(element) {
    this.picker = h("select.cx-field", {
      id: "cx-tuning-run",
      onchange: () => {
        this.missing.hidden = true;
        this.open(this.picker.value);
      },
    });
    this.missing = h("p.cx-error", { role: "alert", hidden: true }, "There is no such run: it was deleted, or never there. Another one is open.");
    this.source = h("div.cx-muted.cx-tuning-source");
    element.append(
      h("section.cx-lab-card.cx-tuning-card", { "aria-label": "Run" }, h("label", { for: "cx-tuning-run" }, "Run"), this.picker, this.missing, this.source),
    );
    fill(
      this.parts.empty,
      h(
        "section.cx-lab-card.cx-tuning-card.cx-tuning-none",
        h("h2", "No run to tune on yet"),
        h("p", "Thresholds are tuned on answers of which it is known whether they are right. Evaluate a set of questions first."),
        h("p", h("a.cx-button.primary", { href: "evaluate" }, "Evaluate a dataset")),
        h("p.cx-muted", "or in the shell: ", h("code", "codex evaluate --dataset capitals")),
      ),
    );
  }
}

function restored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}
