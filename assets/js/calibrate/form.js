// The form of a new calibrator: the runs it is fitted on, the method, and the risk that a guarantee is wanted for.

import { choice, Form, field, numeric, textual } from "../shared/form.js";
import { html } from "../shared/lit.js";
import { hint, percent } from "../shared/parts.js";
import { RunsPart } from "../shared/versions.js";
import { count } from "../shared/words.js";

/** @import {Config, Risk, Run} from "./types" */

/** @extends {RunsPart<import("./page.js").Calibrate, Run>} */
export class Fit extends RunsPart {
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
    const first = !this.known;
    const gone = this.take(runs);
    if (gone) this.form.error = gone;
    if (!first) return;
    this.page.paint();
    this.page.find(".cx-runs-list input:checked")?.scrollIntoView({ block: "nearest" });
  }

  /** @param {boolean} busy whether a fit is under way */
  view(busy) {
    const { methods, defaults } = this.config;
    const chosen = this.among;
    const graded = chosen.reduce((sum, run) => sum + run.graded, 0);
    const mixed = new Set(chosen.map(({ model }) => model)).size > 1;
    const total =
      chosen.length > 1
        ? `${count(graded)} graded answers together; of a question that is in several, the first counts`
        : "";
    const share = (/** @type {keyof Risk} */ name) =>
      numeric(name, { min: 0.001, max: 0.999, value: defaults[name], change: () => this.page.ask() });
    const described = (/** @type {Run} */ { graded, accuracy, problem }) => ({
      about: html`${count(graded)} graded, ${percent(accuracy)} correct`,
      problem,
    });
    const list = this.list("Fit on", "calibrator", described, () => this.form.fail(null));
    const fields = html`${list}
      <p class="cx-hint" role="status">${total}${mixed ? ", of different models: fit one calibrator for each" : ""}</p>
      ${field("Method", choice(methods, { name: "method" }))}
      <div class="cx-pair">${field(html`<span title="alpha: the largest share of incorrect answers among those given">Incorrect answers allowed, α</span>`, share("alpha"))}${field("Error level δ", share("delta"))}</div>
      ${hint("Target: at most α of the answers given are incorrect, with confidence 1 − δ.")}
      ${field("Name", textual("name", { placeholder: "calibrator" }))}`;
    const note = chosen.length || !this.runs.length ? "" : "Choose a run to fit on.";
    return this.form.card("New calibrator", fields, { words: "Fit", disabled: busy || !chosen.length, note });
  }
}
