// The form of a new calibrator: the runs it is fit on, the method, and the risk that a guarantee is wanted for.

import { choice, Form, field, numeric, textual } from "../shared/form.js";
import { html, live, nothing, repeat } from "../shared/lit.js";
import { percent, written } from "../shared/parts.js";
import { count } from "../shared/words.js";

/** @import {Config, Risk, Run} from "./types" */

const GONE = "There is no such run: it was deleted, or never there. Choose another one.";

export class Fit {
  /** @type {Set<string>} */
  chosen = new Set();
  /** @type {Run[]} */
  runs = [];
  known = false;

  /**
   * @param {import("../shared/page.js").Page} page @param {Config} config
   * @param {{fit: (wanted: object) => Promise<string | null>, risk: () => void}} options
   */
  constructor(page, config, options) {
    this.page = page;
    this.config = config;
    this.options = options;
    this.form = new Form(page.paint, ({ method, name, alpha, delta }) =>
      options.fit({ runs: [...this.chosen], method, name, alpha, delta }),
    );
  }

  /** @returns {Risk} */
  get risk() {
    const of = (/** @type {"alpha" | "delta"} */ name) => {
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
    this.page.find(".cx-cal-runs input:checked")?.scrollIntoView({ block: "nearest" });
  }

  /** @param {boolean} busy whether a fit is under way */
  view(busy) {
    const { methods, defaults } = this.config;
    const chosen = this.runs.filter(({ id }) => this.chosen.has(id));
    const graded = chosen.reduce((sum, run) => sum + run.graded, 0);
    const mixed = new Set(chosen.map(({ model }) => model)).size > 1;
    const total = chosen.length > 1 ? `${count(graded)} graded answers together` : "";
    const share = (/** @type {"alpha" | "delta"} */ name) =>
      numeric(name, { min: 0.001, max: 0.999, value: defaults[name], change: this.options.risk });
    const fields = html`<fieldset class="cx-lab-field"><legend>Fit on</legend><div class="cx-cal-runs">${
      this.runs.length
        ? repeat(
            this.runs,
            ({ id }) => id,
            (run) => this.#line(run),
          )
        : this.known
          ? none()
          : nothing
    }</div></fieldset>
      <p class="cx-hint" role="status">${total}${mixed ? ", of different models: fit one calibrator for each" : ""}</p>
      ${field("Method", choice(methods, { name: "method" }))}
      <div class="cx-lab-pair">${field("Risk α", share("alpha"))}${field("Doubt δ", share("delta"))}</div>
      <p class="cx-hint">Wanted: of the answers given at most α are wrong, with certainty 1 − δ.</p>
      ${field("Name", textual("name", { placeholder: "calibrator" }))}`;
    const note = chosen.length || !this.runs.length ? "" : "Choose a run to fit on.";
    return this.form.card("New calibrator", fields, { words: "Fit", disabled: busy || !chosen.length, note });
  }

  /** @param {Run} run */
  #line({ id, name, model, graded, accuracy, problem }) {
    const change = (/** @type {Event} */ event) => {
      this.chosen[/** @type {HTMLInputElement} */ (event.target).checked ? "add" : "delete"](id);
      this.form.fail(null);
    };
    return html`<label class="cx-cal-run" title=${model}><input type="checkbox" value=${id} .checked=${live(this.chosen.has(id))} @change=${change}>
      <span><b>${written(name)}</b><span class="cx-lab-sub">${count(graded)} graded, ${percent(accuracy)} right</span>${
        problem ? html`<span class="cx-lab-sub cx-cal-problem">${problem}</span>` : nothing
      }</span></label>`;
  }
}

function none() {
  return html`<p class="cx-hint">There is no run yet. A calibrator learns from answers whose rightness is known.</p>
    <a class="cx-button small" href="evaluate">Start a run</a>`;
}
