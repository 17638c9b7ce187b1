// The form of a new run: which questions are asked, and how.

import { choice, Form, field, numeric, textual, valuesOf } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { hint, written } from "../shared/parts.js";
import { latest } from "../shared/server.js";
import { count } from "../shared/words.js";

/** @import {Config, Dataset, State} from "./types" */

const SPLITS = /** @type {[string, string][]} */ ([
  ["", "all"],
  ["calibration", "calibration half"],
  ["test", "test half"],
]);
const NONE = "There is no dataset. Upload one.";

/** @extends {Part<import("./page.js").Evaluate>} */
export class NewRun extends Part {
  /** @type {Dataset[] | null} The question sets that can be asked. */
  sets = null;
  /** @type {string | null} */
  dataset = null;
  /** @type {Config} */
  config = this.page.config;
  form = new Form(
    this.page.paint,
    async ({ side, evidence = false, ...wanted }, form) => {
      const message = await this.page.begin("start", { ...wanted, side: side || null, evidence });
      const name = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
      if (!message && name.value === wanted.name) name.value = "";
      return message;
    },
    () => this.look(),
  );
  /** @type {string[]} How long such a run takes, and what it is good for. */
  lines = [];
  look = latest(async () => {
    const form = /** @type {HTMLFormElement | null} */ (this.page.find("form"));
    if (!this.sets?.length || !form?.checkValidity()) return this.set({ lines: [] });
    const { value, error } = await this.page.call("estimate", valuesOf(form));
    this.set({ lines: value ?? [error?.message] });
  });

  /** @param {State | null} state */
  view(state) {
    const { defaults, limits } = this.config;
    const amount = (/** @type {keyof Config["defaults"]} */ name, /** @type {1 | "any"} */ step) =>
      numeric(name, { min: limits[name][0], max: limits[name][1], step, value: defaults[name] });
    const sets = this.sets ?? [];
    const set = sets.find(({ name }) => name === this.dataset) ?? sets[0];
    const options = sets.map(
      ({ name, rows }) => /** @type {[string, string]} */ ([name, `${name} (${count(rows)})`]),
    );
    const change = (/** @type {string} */ dataset) => this.set({ dataset });
    const dataset = choice(options, {
      name: "dataset",
      note: "cx-dataset-about",
      value: set?.name ?? null,
      change,
    });
    const all = set ? `all ${count(set.rows)}` : "all";
    const limit = numeric("limit", {
      min: 1,
      step: 1,
      max: set?.rows ?? "",
      required: false,
      placeholder: all,
    });
    const evidence = html`<label class="cx-check"><input type="checkbox" name="evidence">retrieve passages from the documents</label>`;
    const fields = html`${field("Dataset", dataset)}${this.page.upload.button()}
      <p class="cx-hint" id="cx-dataset-about">${this.sets && (set ? written(set.about) : NONE)}</p>
      <div class="cx-pair">${field("Split", choice(SPLITS, { name: "side" }))}${field("Limit", limit)}</div>
      <div class="cx-pair">${field("Samples", amount("n_samples", 1))}${field("Temperature", amount("sample_temperature", "any"))}</div>
      ${field("Max tokens", amount("max_tokens", 1))}${state?.documents ? evidence : nothing}
      ${field("Name", textual("name", { placeholder: set?.name ?? "" }))}
      <div class="cx-column tight" role="status" aria-label="Estimate">${this.lines.map((line) => hint(written(line)))}</div>`;
    const about = () =>
      html`Asks <b>${written(state?.model ?? "")}</b>. Answers are saved as they come; a stopped run can be resumed.`;
    const note = state && (state.busy ?? about());
    return this.form.card("New run", fields, {
      words: "Start",
      disabled: !state || Boolean(state.busy) || !sets.length,
      note,
    });
  }
}
