// The form of a new run: which questions are asked, and how.

import { fill, h } from "./dom.js";
import { choice, field, written } from "./lab.js";

export class NewRun {
  /** options: {defaults, limits, onstart(wanted) -> message or null}. */
  constructor(element, options) {
    this.options = options;
    const { defaults, limits } = options;
    const amount = (name, step) =>
      h("input.cx-field", {
        type: "number",
        name,
        required: true,
        min: limits[name][0],
        max: limits[name][1],
        step,
        value: defaults[name],
      });
    this.dataset = choice([], { name: "dataset", "aria-describedby": "cx-dataset-about", onchange: () => this.#about() });
    this.about = h("p.cx-hint", { id: "cx-dataset-about" });
    this.side = choice([
      ["", "all of it"],
      ["calibration", "the half for calibrating"],
      ["test", "the half for testing"],
    ], { name: "side" });
    this.evidence = h("input", { type: "checkbox", name: "evidence" });
    this.lookup = h("label.cx-check", { hidden: true }, this.evidence, "look things up in the documents");
    this.limit = h("input.cx-field", { type: "number", name: "limit", min: 1, step: 1, placeholder: "all" });
    this.samples = amount("n_samples", 1);
    this.temperature = amount("sample_temperature", "any");
    this.tokens = amount("max_tokens", 1);
    this.name = h("input.cx-field", { type: "text", name: "name", maxlength: 100, spellcheck: "false" });
    this.start = h("button.cx-button.primary", { type: "submit" }, "Start");
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.note = h("p.cx-hint");
    this.form = h(
      "form.cx-lab-card.cx-lab-form",
      { onsubmit: (event) => this.#submit(event) },
      h("h2", "New run"),
      field("Questions from", this.dataset),
      this.about,
      h("div.cx-lab-pair", field("Which part", this.side), field("At most", this.limit)),
      h("div.cx-lab-pair", field("Samples", this.samples), field("Temperature", this.temperature)),
      field("Longest answer, tokens", this.tokens),
      this.lookup,
      field("Name", this.name),
      this.error,
      this.start,
      this.note,
    );
    element.append(this.form);
  }

  /** The question sets that can be asked: [{name, rows, about}]. */
  datasets(datasets) {
    this.sets = datasets;
    const chosen = this.dataset.value;
    fill(
      this.dataset,
      datasets.map(({ name, rows }) => h("option", { value: name }, `${name} (${rows.toLocaleString("en")})`)),
    );
    if (datasets.some(({ name }) => name === chosen)) this.dataset.value = chosen;
    this.#about();
  }

  /** busy: why no run can be started now, or null; model: what will be asked; documents: there are some. */
  state({ busy, model, documents }) {
    this.lookup.hidden = !documents;
    this.start.disabled = this.starting || Boolean(busy) || !this.sets?.length;
    fill(this.note, busy ?? ["Asks ", h("b", written(model)), ". What is answered is kept at once; a run that is stopped can go on."]);
  }

  fail(message) {
    this.error.hidden = !message;
    this.error.textContent = message ?? "";
  }

  focus() {
    this.dataset.focus();
  }

  #about() {
    const set = this.sets?.find(({ name }) => name === this.dataset.value);
    fill(this.about, set ? written(set.about) : "There is no set of questions. `codex datasets import FILE` brings one in.");
    this.limit.max = set?.rows ?? "";
    this.limit.placeholder = set ? `all ${set.rows.toLocaleString("en")}` : "all";
    this.name.placeholder = set?.name ?? "";
  }

  async #submit(event) {
    event.preventDefault();
    this.fail(null);
    this.starting = this.start.disabled = true;
    const name = this.name.value;
    const message = await this.options.onstart({
      dataset: this.dataset.value,
      side: this.side.value || null,
      limit: this.limit.value ? Number(this.limit.value) : null,
      evidence: !this.lookup.hidden && this.evidence.checked,
      n_samples: Number(this.samples.value),
      sample_temperature: Number(this.temperature.value),
      max_tokens: Number(this.tokens.value),
      name,
    });
    this.starting = false;
    if (message) {
      this.start.disabled = false;
      this.fail(message);
    } else if (this.name.value === name) this.name.value = "";
  }
}
