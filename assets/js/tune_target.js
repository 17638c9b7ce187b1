// A target, typed in: what risk or what coverage, and what was proposed for it.

import { fill, h, icon } from "./dom.js";

const FIELDS = {
  risk: ["at most", "wrong", "the share of wrong ones among the answers given"],
  coverage: ["at least", "answered", "the share of the questions that get their answer"],
};

export class Target {
  /** options: {onpropose({by, risk, coverage, certainty}) -> {words, ok} or {error}, onkeep()}. */
  constructor(element, options, kept) {
    this.options = options;
    this.values = { by: "risk", risk: "10", coverage: "80", certainty: "95", ...kept };
    this.fields = {};
    this.result = h("div.cx-tuning-said", { role: "status" });
    const propose = h("button.cx-button.small", { type: "submit", "aria-label": "Propose thresholds" }, "Propose");
    this.form = h(
      "form.cx-lab-card.cx-tuning-card",
      {
        "aria-label": "Target",
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          this.#propose();
        },
      },
      h("h2", "Target"),
      Object.entries(FIELDS).map(([name, [before, after, meaning]]) =>
        h(
          "div.cx-target-line",
          { title: meaning },
          h("input", {
            type: "radio",
            name: "cx-target",
            value: name,
            checked: this.values.by === name,
            "aria-label": `${before} a percentage ${after}`,
            onchange: () => this.#set("by", name),
          }),
          h("span", before),
          this.#field(name, `${after}, ${before}, in percent`),
          h("span", `% ${after}`),
        ),
      ),
      h("div.cx-target-line", h("span.cx-target-with", "with"), this.#field("certainty", "certainty in percent"), h("span", "% certainty"), propose),
      this.result,
    );
    element.append(this.form);
  }

  /** What was proposed no longer stands on the sliders. */
  moved() {
    this.result.classList.add("past");
  }

  #field(name, label) {
    return (this.fields[name] = h("input.cx-field.cx-target-field", {
      value: this.values[name],
      name: `target ${name}`,
      inputmode: "decimal",
      autocomplete: "off",
      "aria-label": label,
      oninput: () => {
        this.#set(name, this.fields[name].value);
        if (name in FIELDS) this.form.querySelector(`[value="${name}"]`).click();
      },
    }));
  }

  #set(name, value) {
    this.values[name] = value;
    this.options.onkeep();
  }

  async #propose() {
    if (this.proposing) return;
    this.proposing = true;
    const { words, ok, error } = await this.options.onpropose(this.values);
    this.proposing = false;
    this.result.classList.remove("past");
    fill(
      this.result,
      error
        ? h("p.cx-error", { role: "alert" }, error.message)
        : h("p", { class: ok ? "cx-promise" : "cx-promise none" }, icon(ok ? "answer" : "skip"), h("span", words)),
    );
  }
}
