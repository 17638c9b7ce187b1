// The form of a new run: which questions are asked, and how.

import { choice, Form, field, numeric, textual } from "../shared/form.js";
import { html } from "../shared/lit.js";
import { written } from "../shared/parts.js";
import { count } from "../shared/words.js";

/** @import {Config, Dataset, State} from "./types" */

const SIDES = /** @type {[string, string][]} */ ([
  ["", "all of it"],
  ["calibration", "the half for calibrating"],
  ["test", "the half for testing"],
]);
const NONE = "There is no set of questions. `codex datasets import FILE` brings one in.";

export class NewRun {
  /** @type {Dataset[] | null} The question sets that can be asked. */
  sets = null;
  /** @type {string | null} */
  dataset = null;

  /** @param {import("../shared/page.js").Page} page @param {Config} config @param {(wanted: object) => Promise<string | null>} start */
  constructor(page, config, start) {
    this.page = page;
    this.config = config;
    this.form = new Form(page.paint, async (values, form) => {
      const { side, evidence = false, ...wanted } = values;
      const message = await start({ ...wanted, side: side || null, evidence });
      const name = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
      if (!message && name.value === values.name) name.value = "";
      return message;
    });
  }

  /** @param {State | null} state */
  view(state) {
    const { defaults, limits } = this.config;
    const amount = (
      /** @type {"n_samples" | "sample_temperature" | "max_tokens"} */ name,
      /** @type {1 | "any"} */ step,
    ) => numeric(name, { min: limits[name][0], max: limits[name][1], step, value: defaults[name] });
    const sets = this.sets ?? [];
    const set = sets.find(({ name }) => name === this.dataset) ?? sets[0];
    const chosen = (/** @type {string} */ name) => {
      this.dataset = name;
      this.page.paint();
    };
    const busy = state?.busy;
    const fields = html`
      ${field(
        "Questions from",
        choice(
          sets.map(({ name, rows }) => [name, `${name} (${count(rows)})`]),
          { name: "dataset", note: "cx-dataset-about", value: set?.name ?? null, change: chosen },
        ),
      )}
      <p class="cx-hint" id="cx-dataset-about">${this.sets && (set ? written(set.about) : NONE)}</p>
      <div class="cx-lab-pair">${field("Which part", choice(SIDES, { name: "side" }))}${field(
        "At most",
        numeric("limit", {
          min: 1,
          step: 1,
          max: set?.rows ?? "",
          required: false,
          placeholder: set ? `all ${count(set.rows)}` : "all",
        }),
      )}</div>
      <div class="cx-lab-pair">${field("Samples", amount("n_samples", 1))}${field("Temperature", amount("sample_temperature", "any"))}</div>
      ${field("Longest answer, tokens", amount("max_tokens", 1))}
      ${state?.documents ? html`<label class="cx-check"><input type="checkbox" name="evidence">look things up in the documents</label>` : null}
      ${field("Name", textual("name", { placeholder: set?.name ?? "" }))}`;
    const note =
      state &&
      (busy ??
        html`Asks <b>${written(state.model)}</b>. What is answered is kept at once; a run that is stopped can go on.`);
    return this.form.card("New run", fields, {
      words: "Start",
      disabled: !state || Boolean(busy) || !sets.length,
      note,
    });
  }
}
