// The question box, its settings, and the state of the work under way.

import { fill, h, icon } from "./dom.js";
import { address } from "./evidence.js";

const FIELDS = [
  { name: "n_samples", label: "Samples", step: 1 },
  { name: "sample_temperature", label: "Temperature", step: 0.1 },
  { name: "max_tokens", label: "Max tokens", step: 1 },
  { name: "seed", label: "Seed", step: 1 },
];
const DRAFT = "codex.question";
const EVIDENCE = "codex.evidence";
const PHASES = {
  loading: "Loading the model",
  looking: "Looking up",
  waiting: "Waiting for the first token",
  answering: "Answering",
  sampling: "Drawing samples to see whether the answers agree",
  checking: "Checking the evidence",
  verifying: "Checking the answer",
  judging: "Judging",
  cancelling: "Cancelling",
};

export class Composer {
  /** options: {defaults, limits, engine, looks_up, onask({question, ...settings}), oncancel(), ondrawer()}. */
  constructor(element, options) {
    this.options = options;
    this.question = h("textarea", {
      id: "cx-question",
      rows: 1,
      placeholder: "Ask a question",
      "aria-describedby": "cx-ask-error",
      spellcheck: "true",
    });
    this.ask = h("button", { type: "submit", class: "cx-button primary" }, "Ask");
    this.cancel = h("button.cx-button", { hidden: true, onclick: options.oncancel }, "Cancel");
    this.error = h("p.cx-error", { id: "cx-ask-error", role: "alert", hidden: true });
    this.progress = h("p.cx-progress", { role: "status", hidden: true });
    this.inputs = Object.fromEntries(
      FIELDS.map(({ name, step }) => [
        name,
        h("input", {
          type: "number",
          id: `cx-${name}`,
          step,
          min: options.limits[name][0],
          max: options.limits[name][1],
          value: options.defaults[name],
          inputmode: "decimal",
        }),
      ]),
    );
    this.evidence = this.#evidence();
    this.form = h(
      "form.cx-composer",
      { novalidate: true },
      h("label", { for: "cx-question", class: "cx-sr" }, "Question"),
      h(
        "div.cx-composer-row",
        h(
          "button.cx-icon-button.cx-drawer",
          {
            title: "Sessions",
            "aria-label": "Show or hide the sessions",
            "aria-controls": "cx-sessions",
            onclick: options.ondrawer,
          },
          icon("menu"),
        ),
        this.question,
        this.ask,
        this.cancel,
      ),
      h(
        "div.cx-below",
        h(
          "div.cx-settings",
          FIELDS.map(({ name, label }) =>
            h("label", { for: `cx-${name}` }, h("span", label), this.inputs[name]),
          ),
          h(
            "div.cx-settings-row",
            this.evidence,
            h(
              "span.cx-engine",
              { title: "The engine that runs the model" },
              h("span.cx-sr", "Engine "),
              options.engine,
            ),
          ),
        ),
        this.progress,
      ),
      this.error,
    );
    element.append(this.form);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.question.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    this.question.addEventListener("input", () => this.#changed());
    this.question.value = sessionStorage.getItem(DRAFT) ?? "";
    // A narrower box takes more lines: it becomes one when the answer's panels come.
    new ResizeObserver(() => requestAnimationFrame(() => this.#fit())).observe(this.question.parentElement);
  }

  /** Ask what stands in the box, or another question; `more` goes before the settings. */
  submit(question = this.question.value, more = {}) {
    if (this.phase) return;
    const bad = FIELDS.find(({ name }) => this.inputs[name].validity.badInput);
    this.fail(bad ? { message: `${bad.label} is not a number.`, fields: [bad.name] } : null);
    if (bad) return;
    const settings = Object.fromEntries(
      Object.entries(this.inputs).map(([name, input]) => [name, input.value.trim()]),
    );
    this.options.onask({ question, ...settings, evidence: this.looksUp, ...more });
  }

  /** Whether there are documents to look things up in. */
  documents(some) {
    this.evidence.hidden = false;
    this.choices.hidden = !some;
    this.add.hidden = some;
    this.looksUp = some ? this.choices.querySelector(":checked").value : "unsure";
  }

  // When the documents are searched: the choice stays while the tab is open.
  #evidence() {
    const chosen = sessionStorage.getItem(EVIDENCE) === "first" ? "first" : "unsure";
    const choice = (value, text, title) =>
      h(
        "label",
        { title },
        h("input", {
          type: "radio",
          name: "cx-evidence",
          value,
          checked: value === chosen,
          onchange: () => {
            sessionStorage.setItem(EVIDENCE, value);
            this.looksUp = value;
          },
        }),
        h("span", text),
      );
    this.choices = h(
      "div.cx-segments",
      { hidden: true },
      this.options.looks_up
        ? choice("unsure", "when unsure", "Look things up when the first answer is unsure")
        : choice("unsure", "off", "Look nothing up; ask.retrieve is off"),
      choice("first", "look up first", "Look things up before answering"),
    );
    this.add = h(
      "a.cx-link",
      { href: address("documents"), title: "No documents are indexed" },
      "add documents",
    );
    return h(
      "fieldset.cx-evidence",
      { hidden: true },
      h("legend.cx-sr", "Evidence"),
      h("span", { "aria-hidden": "true" }, "Evidence"),
      this.choices,
      this.add,
    );
  }

  /** Move the keyboard to the question, unless it is at a setting. */
  focus() {
    if (!this.form.contains(document.activeElement)) this.question.focus();
  }

  /** Put a question into the box and the cursor behind it. */
  put(text) {
    this.question.value = text;
    this.#changed();
    this.question.focus();
  }

  /** The question was answered: the box is free for the next one, unless another text stands there already. */
  answered(question) {
    if (this.question.value.trim() === question.trim()) this.question.value = "";
    this.#changed();
  }

  /** Say what went wrong, at the field where it did. */
  fail(error) {
    const fields = (error?.fields ?? [])
      .map((name) => this.inputs[name] ?? (name === "query" ? this.question : null))
      .filter(Boolean);
    for (const input of [this.question, ...Object.values(this.inputs)]) input.removeAttribute("aria-invalid");
    for (const input of fields) input.setAttribute("aria-invalid", "true");
    fields[0]?.focus();
    this.error.hidden = !error;
    this.error.textContent = error?.message ?? "";
  }

  /** The phase of the work under way, or null; the time since it began runs along. */
  run(phase) {
    if (phase && !this.phase) {
      this.started = performance.now();
      this.timer = setInterval(() => this.#tick(), 100);
    } else if (!phase) clearInterval(this.timer);
    this.phase = phase;
    this.ask.hidden = Boolean(phase);
    this.cancel.hidden = !phase;
    this.cancel.disabled = phase === "cancelling";
    this.progress.hidden = !phase;
    this.form.classList.toggle("busy", Boolean(phase));
    if (!phase && document.activeElement === document.body) this.question.focus();
    if (phase) {
      this.clock = h("span.cx-num", { "aria-hidden": "true" });
      fill(this.progress, PHASES[phase], this.clock);
      this.#tick();
    }
  }

  #tick() {
    this.clock.textContent = `${((performance.now() - this.started) / 1000).toFixed(1)} s`;
  }

  // What is typed outlives a reload of the page, of this tab only.
  #changed() {
    sessionStorage.setItem(DRAFT, this.question.value);
    this.#fit();
  }

  #fit() {
    this.question.style.height = "auto";
    this.question.style.height = `${Math.min(this.question.scrollHeight + 2, 200)}px`;
  }
}
