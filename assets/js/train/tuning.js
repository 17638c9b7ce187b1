// The part of the form that teaches the model itself: what it learns from, for how long, and by which rewards.

import { fieldOf, ownerOf } from "../shared/events.js";
import { field, numeric } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { segments } from "../shared/parts.js";

const NUMBERS = {
  epochs: { words: "Passes", min: 0.01, max: 100, says: "Passes over the questions" },
  steps: { words: "Updates", min: 1, max: 10000, step: 1, says: "Updates of the weights" },
  learning_rate: { words: "Learning rate", min: 1e-7, max: 1, says: "Its largest value" },
  additions: { words: "Additions", min: 1, max: 8000, step: 1, says: "Questions that are generated" },
  generations: {
    words: "Answers each",
    ...{ min: 2, max: 64, step: 1, says: "Answers to a question that are compared" },
  },
  questions: { words: "Questions an update", min: 1, max: 64, step: 1, says: "Questions of one update" },
  tokens: { words: "Max tokens", min: 1, max: 1024, step: 1, says: "The longest answer" },
  start: {
    words: "Updates on the format",
    ...{ min: 0, max: 1000, step: 1, says: "Supervised updates first, which teach the format alone" },
  },
  rank: { words: "LoRA rank", min: 1, max: 256, step: 1, says: "Of the adapter" },
  held_out: {
    words: "Held-out share",
    ...{ min: 0, max: 0.9, says: "Share of the questions that measures the training instead" },
  },
  generate: {
    words: "Measured",
    ...{ min: 0, max: 1000, step: 1, says: "Held-out questions that are answered before and after" },
  },
  seed: { words: "Seed", min: 0, max: 2147483648, step: 1, says: "Equal seeds give equal trainings" },
};
/** @typedef {keyof typeof NUMBERS} Setting */

const COPIES =
  "An adapter of the loaded model is trained; what answers stays as it is. What evaluation tests is never trained on.";

/** @extends {Part<import("./page.js").Train>} */
export class Tuning extends Part {
  /** Whether the model learns to refuse where it was incorrect. */
  refuse = false;
  /** @type {"runs" | "additions"} Where the questions of a training by rewards come from. */
  source = "runs";
  /** Whether the other settings are shown. */
  open = false;

  /** What is sent beside the fields. @param {Record<string, any>} values */
  given(values) {
    const rewards = this.page.config.tuning.rewards.filter(
      (/** @type {string} */ name) => values[`reward-${name}`],
    );
    return { rewards, refuse: this.refuse };
  }

  answerer() {
    const change = (/** @type {Event} */ event) => {
      this.refuse = fieldOf(event).checked;
      this.page.training.show(this.page.training.runs);
      this.page.paint();
    };
    return html`<label class="cx-check"><input type="checkbox" .checked=${this.refuse} @change=${change}>
      <span>Learn “I don't know” where it was incorrect</span></label>
      ${this.#pair("epochs", "learning_rate")}${this.#more("rank", "held_out", "generate", "seed")}`;
  }

  /** Where the questions come from. */
  sources() {
    const change = (/** @type {string} */ value) => {
      this.source = value === "additions" ? "additions" : "runs";
      this.page.training.form.fail(null);
    };
    const options = /** @type {[string, string][]} */ ([
      ["runs", "Runs"],
      ["additions", "Additions"],
    ]);
    return segments({ name: "cx-source", legend: "Questions", options, value: this.source, change });
  }

  additions() {
    return this.#field("additions");
  }

  reward() {
    const { rewards } = this.page.config.tuning;
    const one = (
      /** @type {string} */ name,
    ) => html`<label class="cx-check"><input type="checkbox" name=${`reward-${name}`}
      ?checked=${name === "brier"}><span>${name}</span></label>`;
    return html`<fieldset class="cx-field"><legend title="What an answer earns; several are summed">Reward</legend>
        <div class="cx-row wrap">${rewards.map(one)}</div></fieldset>
      ${this.#pair("steps", "learning_rate")}
      ${this.#more("generations", "questions", "tokens", "start", "rank", "held_out", "generate", "seed")}`;
  }

  /** @param {...Setting} names */
  #more(...names) {
    const toggled = (/** @type {Event} */ event) => {
      this.open = /** @type {HTMLDetailsElement} */ (event.target).open;
    };
    // A browser does not show what is wrong in a field that cannot be seen.
    const shown = (/** @type {Event} */ event) => {
      /** @type {HTMLDetailsElement} */ (ownerOf(event)).open = true;
    };
    const invalid = { handleEvent: shown, capture: true };
    const pairs = names.flatMap((name, at) => (at % 2 ? [] : [this.#pair(name, names[at + 1])]));
    return html`<details class="cx-more" ?open=${this.open} @toggle=${toggled} @invalid=${invalid}><summary>More settings</summary>${pairs}</details>
      <p class="cx-hint">${COPIES}</p>`;
  }

  /** @param {Setting} one @param {Setting} [other] */
  #pair(one, other) {
    return html`<div class="cx-pair">${this.#field(one)}${other ? this.#field(other) : nothing}</div>`;
  }

  /** @param {Setting} name */
  #field(name) {
    const { words, says, ...options } = /** @type {any} */ (NUMBERS[name]);
    const value = this.page.config.tuning[this.page.kind]?.[name];
    return field(html`<span title=${says}>${words}</span>`, numeric(name, { ...options, value }));
  }
}
