// The form of a new calibrator: the runs it is fit on, the method, and the risk that a guarantee is wanted for.

import { fill, h } from "./dom.js";
import { choice, field, percent, written } from "./lab.js";

export class Fit {
  /** options: {methods: [[name, words]], defaults: {alpha, delta}, onfit(wanted) -> message or null, onrisk()}. */
  constructor(element, options) {
    Object.assign(this, { options, chosen: new Set(), boxes: new Map() });
    this.list = h("div.cx-cal-runs");
    this.runs = h("fieldset.cx-lab-field", h("legend", "Fit on"), this.list);
    this.total = h("p.cx-hint", { role: "status" });
    this.method = choice(options.methods, { name: "method" });
    const share = (name) =>
      h("input.cx-field", {
        type: "number",
        name,
        min: 0.001,
        max: 0.999,
        step: "any",
        required: true,
        value: options.defaults[name],
        onchange: () => options.onrisk(),
      });
    this.alpha = share("alpha");
    this.delta = share("delta");
    this.name = h("input.cx-field", { type: "text", name: "name", maxlength: 100, placeholder: "calibrator", spellcheck: "false" });
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.button = h("button.cx-button.primary", { type: "submit" }, "Fit");
    this.note = h("p.cx-hint");
    element.append(
      h(
        "form.cx-lab-card.cx-lab-form",
        { onsubmit: (event) => this.#submit(event) },
        h("h2", "New calibrator"),
        this.runs,
        this.total,
        field("Method", this.method),
        h(
          "div.cx-lab-pair",
          field("Risk α", this.alpha),
          field("Doubt δ", this.delta),
        ),
        h("p.cx-hint", "Wanted: of the answers given at most α are wrong, with certainty 1 − δ."),
        field("Name", this.name),
        this.error,
        this.button,
        this.note,
      ),
    );
  }

  get risk() {
    return { alpha: Number(this.alpha.value), delta: Number(this.delta.value) };
  }

  /** runs: [{id, name, dataset, model, graded, accuracy, problem}]; those with a problem alone can join others. */
  show(runs) {
    this.known = runs;
    const gone = [...this.chosen].filter((id) => !runs.some((run) => run.id === id));
    for (const id of gone) this.chosen.delete(id);
    if (gone.length) this.fail("There is no such run: it was deleted, or never there. Choose another one.");
    const key = JSON.stringify(runs);
    if (key !== this.key) {
      const focused = document.activeElement?.value;
      this.boxes.clear();
      fill(
        this.list,
        runs.map((run) => this.#line(run)),
        runs.length
          ? null
          : [
              h("p.cx-hint", "There is no run yet. A calibrator learns from answers whose rightness is known."),
              h("a.cx-button.small", { href: "evaluate" }, "Start a run"),
            ],
      );
      if (this.boxes.has(focused)) this.boxes.get(focused).focus();
    }
    this.key = key;
    this.#count();
  }

  /** busy: whether a fit is under way. */
  state(busy) {
    this.busy = busy;
    this.#count();
  }

  choose(ids) {
    this.chosen = new Set(ids);
    for (const [id, box] of this.boxes) {
      box.checked = this.chosen.has(id);
      if (box.checked) box.scrollIntoView({ block: "nearest" });
    }
    this.#count();
  }

  focus() {
    (this.boxes.values().next().value ?? this.method).focus();
  }

  fail(message) {
    this.error.hidden = !message;
    this.error.textContent = message ?? "";
  }

  #line(run) {
    const box = h("input", {
      type: "checkbox",
      value: run.id,
      checked: this.chosen.has(run.id),
      onchange: () => {
        this.chosen[box.checked ? "add" : "delete"](run.id);
        this.fail(null);
        this.#count();
      },
    });
    box.checked = this.chosen.has(run.id);
    this.boxes.set(run.id, box);
    return h(
      "label.cx-cal-run",
      { title: run.model },
      box,
      h(
        "span",
        h("b", written(run.name)),
        h("span.cx-lab-sub", `${run.graded.toLocaleString("en")} graded, `, percent(run.accuracy), " right"),
        run.problem ? h("span.cx-lab-sub.cx-cal-problem", run.problem) : null,
      ),
    );
  }

  #count() {
    const chosen = (this.known ?? []).filter(({ id }) => this.chosen.has(id));
    const graded = chosen.reduce((sum, run) => sum + run.graded, 0);
    const models = new Set(chosen.map(({ model }) => model));
    this.total.textContent = chosen.length > 1 ? `${graded.toLocaleString("en")} graded answers together` : "";
    if (models.size > 1) this.total.textContent += ", of different models: fit one calibrator for each";
    this.button.disabled = this.busy || this.starting || !chosen.length;
    this.note.textContent = chosen.length || !this.known?.length ? "" : "Choose a run to fit on.";
  }

  async #submit(event) {
    event.preventDefault();
    this.fail(null);
    this.starting = this.button.disabled = true;
    const message = await this.options.onfit({
      runs: [...this.chosen],
      method: this.method.value,
      name: this.name.value,
      ...this.risk,
    });
    this.starting = false;
    this.fail(message);
    this.#count();
  }
}
