// The form of a new training: the runs it learns from, and whether they have labels enough.

import { fieldOf } from "../shared/events.js";
import { Form, field, textual } from "../shared/form.js";
import { html, live, nothing, repeat } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { hint, icon, written } from "../shared/parts.js";
import { count } from "../shared/words.js";

/** @import {Run} from "./types" */

const ABOUT =
  "A probe reads in the model's hidden states how likely an answer is to be correct. Training takes minutes and leaves the model as it is.";

const WEIGHTS =
  "To fine-tune the model itself on questions with answers, use the command line: codex train answerer.";
const GONE = "This run does not exist or was deleted. Choose another one.";

/** @extends {Part<import("./page.js").Train>} */
export class Training extends Part {
  /** @type {Set<string>} */
  chosen = new Set();
  /** @type {Run[]} */
  runs = [];
  known = false;
  form = new Form(this.page.paint, (values) =>
    this.page.begin("train", { ...values, runs: [...this.chosen] }),
  );

  /** @param {Run[]} runs */
  show(runs) {
    for (const id of [...this.chosen]) {
      const run = runs.find((one) => one.id === id);
      if (!run) this.form.error = GONE;
      if (!run || run.problem) this.chosen.delete(id);
    }
    Object.assign(this, { runs, known: true });
  }

  view() {
    const { running, problem, state } = this.page;
    const cannot = html`<p class="cx-note cx-row warning" role="alert">${icon("defer")}<span>${problem}</span></p>`;
    const list = this.runs.length
      ? repeat(
          this.runs,
          ({ id }) => id,
          (run) => this.#line(run),
        )
      : this.known
        ? none()
        : nothing;
    const fields = html`<p class="cx-small">${ABOUT}</p>${problem ? cannot : nothing}
      <fieldset class="cx-field"><legend>Learn from</legend><div class="cx-list cx-runs-list">${list}</div></fieldset>
      <p class="cx-hint" role="status">${this.#total()}</p>
      ${field("Name", textual("name", { placeholder: "probe", maxlength: 80 }))}`;
    const unchosen = this.runs.length && !this.chosen.size ? "Choose a run to learn from." : "";
    const note = problem ? "" : state?.busy || unchosen;
    const disabled = running || Boolean(problem || state?.busy) || !this.chosen.size;
    return html`${this.form.card("New probes", fields, { words: "Start", disabled, note })}${hint(WEIGHTS)}`;
  }

  /** How many labels the chosen runs have, and whether these are enough. */
  #total() {
    const chosen = this.runs.filter(({ id }) => this.chosen.has(id));
    if (!chosen.length) return nothing;
    const sum = (/** @type {"correct" | "incorrect"} */ key) =>
      chosen.reduce((total, run) => total + run[key], 0);
    const [correct, incorrect] = [sum("correct"), sum("incorrect")];
    const least = this.page.config.least;
    const few = Math.min(correct, incorrect) < least;
    const words = html`${count(correct + incorrect)} labels to train on: ${count(correct)} correct, ${count(incorrect)} incorrect. `;
    const why = html`<span class="cx-caution">Too few: at least ${least} of each kind are needed. Ask more questions, or grade more answers.</span>`;
    return html`${words}${few ? why : nothing}`;
  }

  /** @param {Run} run */
  #line({ id, name, model, correct, incorrect, held_out, problem }) {
    const change = (/** @type {Event} */ event) => {
      this.chosen[fieldOf(event).checked ? "add" : "delete"](id);
      this.form.fail(null);
    };
    const labels = `${count(correct + incorrect)} labels to train on, ${count(held_out)} held out`;
    const about = problem
      ? html`<span class="cx-sub cx-caution">${written(problem)}</span>`
      : html`<span class="cx-sub">${labels}</span>`;
    return html`<label class="cx-item cx-check" title=${model}><input type="checkbox" value=${id} ?disabled=${Boolean(problem)} .checked=${live(this.chosen.has(id))} @change=${change}>
      <span class="cx-grow"><b>${written(name)}</b>${about}</span></label>`;
  }
}

function none() {
  return html`${hint("There is no run yet. A probe learns from graded answers of this model.")}
    <a class="cx-button small" href="evaluate">Start a run</a>`;
}
