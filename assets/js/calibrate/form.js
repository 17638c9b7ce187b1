// The form of a new calibrator: the runs it is fitted on, the method, and the risk that a guarantee is wanted for.

import { fieldOf } from "../shared/events.js";
import { choice, Form, field, numeric, textual } from "../shared/form.js";
import { html, live, nothing, repeat } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { hint, percent, written } from "../shared/parts.js";
import { count } from "../shared/words.js";

/** @import {Config, Risk, Run} from "./types" */

const GONE = "This run does not exist or was deleted. Choose another one.";

/** @extends {Part<import("./page.js").Calibrate>} */
export class Fit extends Part {
  /** @type {Set<string>} */
  chosen = new Set();
  /** @type {Run[]} */
  runs = [];
  known = false;
  /** @type {Config} */
  config = this.page.config;
  form = new Form(this.page.paint, (values) => this.page.begin("fit", { ...values, runs: [...this.chosen] }));

  /** @returns {Risk} */
  get risk() {
    const of = (/** @type {keyof Risk} */ name) => {
      const field = /** @type {HTMLInputElement | null} */ (this.page.find(`[name="${name}"]`));
      return field ? Number(field.value) : this.config.defaults[name];
    };
    return { alpha: of("alpha"), delta: of("delta") };
  }

  /** @param {Run[]} runs */
  show(runs) {
    const gone = [...this.chosen].filter((id) => !runs.some((run) => run.id === id));
    for (const id of gone) this.chosen.delete(id);
    if (gone.length) this.form.error = GONE;
    const first = !this.known;
    Object.assign(this, { runs, known: true });
    if (!first) return;
    this.page.paint();
    this.page.find(".cx-runs-list input:checked")?.scrollIntoView({ block: "nearest" });
  }

  /** @param {boolean} busy whether a fit is under way */
  view(busy) {
    const { methods, defaults } = this.config;
    const chosen = this.runs.filter(({ id }) => this.chosen.has(id));
    const graded = chosen.reduce((sum, run) => sum + run.graded, 0);
    const mixed = new Set(chosen.map(({ model }) => model)).size > 1;
    const total =
      chosen.length > 1
        ? `${count(graded)} graded answers together; of a question that is in several, the first counts`
        : "";
    const share = (/** @type {keyof Risk} */ name) =>
      numeric(name, { min: 0.001, max: 0.999, value: defaults[name], change: () => this.page.ask() });
    const line = (/** @type {Run} */ run) => this.#line(run);
    const list = this.runs.length ? repeat(this.runs, ({ id }) => id, line) : this.known ? none() : nothing;
    const fields = html`<fieldset class="cx-field"><legend>Fit on</legend><div class="cx-list cx-runs-list">${list}</div></fieldset>
      <p class="cx-hint" role="status">${total}${mixed ? ", of different models: fit one calibrator for each" : ""}</p>
      ${field("Method", choice(methods, { name: "method" }))}
      <div class="cx-pair">${field(html`<span title="alpha: the largest share of incorrect answers among those given">Incorrect answers allowed, α</span>`, share("alpha"))}${field("Error level δ", share("delta"))}</div>
      ${hint("Target: at most α of the answers given are incorrect, with confidence 1 − δ.")}
      ${field("Name", textual("name", { placeholder: "calibrator" }))}`;
    const note = chosen.length || !this.runs.length ? "" : "Choose a run to fit on.";
    return this.form.card("New calibrator", fields, { words: "Fit", disabled: busy || !chosen.length, note });
  }

  /** @param {Run} run */
  #line({ id, name, model, graded, accuracy, problem }) {
    const change = (/** @type {Event} */ event) => {
      this.chosen[fieldOf(event).checked ? "add" : "delete"](id);
      this.form.fail(null);
    };
    const why = html`<span class="cx-sub cx-caution">${problem}</span>`;
    return html`<label class="cx-item cx-check" title=${model}><input type="checkbox" value=${id} .checked=${live(this.chosen.has(id))} @change=${change}>
      <span class="cx-grow"><b>${written(name)}</b><span class="cx-sub">${count(graded)} graded, ${percent(accuracy)} correct</span>${problem ? why : nothing}</span></label>`;
  }
}

function none() {
  return html`${hint("There is no run yet. A calibrator learns from graded answers.")}
    <a class="cx-button small" href="evaluate">Start a run</a>`;
}
