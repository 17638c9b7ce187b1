// The form of a new training: what is taught, the runs it learns from, and whether they have labels enough.

import { Form, field, numeric, textual } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { segments, written } from "../shared/parts.js";
import { RunsPart, warning } from "../shared/versions.js";
import { count, counted } from "../shared/words.js";
import { Tuning } from "./tuning.js";

/** @import {Kind, Method, Run, Use} from "./types" */

/** @type {Record<Kind, string>} */
const ABOUT = {
  probe:
    "A probe reads in the model's hidden states how likely an answer is to be correct. Training takes minutes and leaves the model as it is.",
  verifier: "A verifier is the model itself, asked whether its answer is correct. Answers stay the same.",
  answerer:
    "Fine-tunes the model on questions with their accepted answers (LoRA). Minutes to hours on a CPU.",
  reward:
    "Teaches the model to end an answer with how likely it is to be correct, by rewards (GRPO). An hour and more on a CPU.",
};
/** @type {Record<Method, string>} */
const METHODS = {
  readout:
    "Reads what the model makes of that one question in its hidden states. Nothing of the model is trained: it takes minutes, and works on llama.cpp too.",
  lora: "Trains an adapter (LoRA) that is on for that one question. It loads the model once more and takes up to an hour; it needs many labels.",
};
/** @type {Record<Kind, string>} */
const NAMES = { probe: "probe", verifier: "verifier", answerer: "answers", reward: "confidence" };
/** @type {Record<Kind, string>} */
const TITLES = {
  probe: "New probes",
  verifier: "New verifier",
  answerer: "New fine-tuning",
  reward: "New training by rewards",
};

/** @extends {RunsPart<import("./page.js").Train, Run>} */
export class Training extends RunsPart {
  tuning = new Tuning(this.page);
  form = new Form(this.page.paint, (values) =>
    this.page.begin("train", {
      ...values,
      ...this.tuning.given(values),
      kind: this.page.kind,
      method: this.page.method,
      runs: this.additions ? [] : [...this.chosen],
    }),
  );

  /** What the runs are chosen for. @returns {Use} */
  get use() {
    return this.page.kind === "answerer" && this.tuning.refuse ? "refuse" : this.page.kind;
  }

  /** Whether questions are generated, and no run is needed. */
  get additions() {
    return this.page.kind === "reward" && this.tuning.source === "additions";
  }

  /** @param {Run[]} runs */
  show(runs) {
    const gone = this.take(runs, (run) => !run.problems[this.use]);
    if (gone) this.form.error = gone;
  }

  view() {
    const { running, problem, state, kind } = this.page;
    const { use, additions } = this;
    const options = /** @type {[string, string][]} */ ([
      ["probe", "Probe"],
      ["verifier", "Verifier"],
      ["answerer", "Answers"],
      ["reward", "Confidence"],
    ]);
    const change = (/** @type {string} */ value) => this.page.teach(/** @type {Kind} */ (value));
    const described = (/** @type {Run} */ run) => ({
      about: run.problems[use] ? "" : this.#about(run),
      problem: run.problems[use],
      disabled: Boolean(run.problems[use]),
    });
    const chosen = html`${this.list("Learn from", NAMES[kind], described, () => this.form.fail(null))}
      <p class="cx-hint" role="status">${this.#total()}</p>`;
    const fields = html`${segments({ name: "cx-teach", legend: "Teach", options, value: kind, change })}
      <p class="cx-small">${ABOUT[kind]}</p>${problem ? warning(written(problem)) : nothing}
      ${kind === "reward" ? this.tuning.sources() : nothing}${additions ? this.tuning.additions() : chosen}
      ${field("Name", textual("name", { placeholder: NAMES[kind], maxlength: this.#tunes ? 60 : 80 }))}
      ${kind === "verifier" ? this.#method() : nothing}${kind === "answerer" ? this.tuning.answerer() : nothing}${kind === "reward" ? this.tuning.reward() : nothing}`;
    const unchosen = !additions && this.runs.length && !this.chosen.size ? "Choose a run to learn from." : "";
    const note = problem ? "" : state?.busy || unchosen;
    const disabled = running || Boolean(problem || state?.busy) || !(additions || this.chosen.size);
    return this.form.card(TITLES[kind], fields, { words: "Start", disabled, note });
  }

  /** Whether the model itself is taught. */
  get #tunes() {
    return this.page.kind === "answerer" || this.page.kind === "reward";
  }

  /** @param {Run} run */
  #about({ correct, incorrect, held_out, questions }) {
    if (this.#tunes) return `${counted(questions, "question")} to learn from`;
    return `${count(correct + incorrect)} labels to train on, ${count(held_out)} held out`;
  }

  #method() {
    const { method } = this.page;
    const options = /** @type {[string, string][]} */ ([
      ["readout", "Readout"],
      ["lora", "LoRA"],
    ]);
    const change = (/** @type {string} */ value) => this.page.by(/** @type {Method} */ (value));
    return html`${segments({ name: "cx-method", legend: "Method", options, value: method, change })}
      <p class="cx-small">${METHODS[method]}</p>${method === "lora" ? this.#settings() : nothing}`;
  }

  #settings() {
    const { epochs, learning_rate, kl_weight } = this.page.config.defaults;
    return html`<div class="cx-pair">${field("Max epochs", numeric("epochs", { min: 1, max: 100, step: 1, value: epochs }))}
      ${field("Learning rate", numeric("learning_rate", { min: 1e-7, max: 1, value: learning_rate }))}</div>
      ${field(html`<span title="How strongly the adapter is held to what the model says without it">KL weight</span>`, numeric("kl_weight", { min: 0, max: 1000, value: kl_weight }))}`;
  }

  /** How many labels the chosen runs have, and whether these are enough. */
  #total() {
    const chosen = this.among;
    if (!chosen.length) return nothing;
    const sum = (/** @type {"correct" | "incorrect" | "questions"} */ key) =>
      chosen.reduce((total, run) => total + run[key], 0);
    const [correct, incorrect] = [sum("correct"), sum("incorrect")];
    if (this.#tunes) {
      const refused = this.use === "refuse" ? `, ${count(incorrect)} of them by refusing` : "";
      return `${counted(sum("questions"), "question")} to learn from${refused}; some of them are held out.`;
    }
    const { all, kind } = this.page.config.least[this.page.kind];
    const few = correct + incorrect < all || Math.min(correct, incorrect) < kind;
    const words = html`${count(correct + incorrect)} labels to train on: ${count(correct)} correct, ${count(incorrect)} incorrect. `;
    const needed =
      all > 2 * kind ? `${all} are needed, ${kind} of each kind` : `at least ${kind} of each kind are needed`;
    const why = html`<span class="cx-caution">Too few: ${needed}. Ask more questions, or grade more answers.</span>`;
    return html`${words}${few ? why : nothing}`;
  }
}
