// A new rule for a policy: on which signal, from which value on, and what is done then.

import { fill, h, icon, number } from "./dom.js";
import { ruleText } from "./panels.js";

export const NO_NUMBER = "A number, e.g. -1.5.";
const SIDES = { below: "< below", above: "> above" };

export class RuleForm {
  /** options: {gates, onadd(rule), onscale(signal) -> where its values lie in the run, or undefined}. */
  constructor(options) {
    Object.assign(this, { options, run: null, rules: [] });
    this.opener = h("button.cx-button.small", { disabled: true, onclick: () => this.#open() }, icon("plus"), "Add a rule");
    this.signal = h("select.cx-field", { "aria-label": "Signal", onchange: () => this.#choose(this.signal.value) });
    this.side = h(
      "select.cx-field",
      { "aria-label": "Below or above", onchange: () => this.#say("") },
      Object.entries(SIDES).map(([side, words]) => h("option", { value: side }, words)),
    );
    this.value = h("input.cx-field", {
      "aria-label": "Threshold",
      inputmode: "decimal",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => {
        this.typed = true;
        this.#say("");
      },
    });
    this.gate = h("select.cx-field", { "aria-label": "Gate" }, options.gates.map((gate) => h("option", gate)));
    this.error = h("p.cx-field-error", { role: "alert", hidden: true });
    this.note = h("p.cx-knob-note.cx-muted.cx-num");
    this.form = h(
      "form.cx-rule-new",
      {
        "aria-label": "New rule",
        novalidate: true,
        hidden: true,
        onsubmit: (event) => {
          event.preventDefault();
          this.#add();
        },
        onkeydown: (event) => event.key === "Escape" && this.#close(),
      },
      this.signal,
      h("div.cx-rule-line", this.side, this.value, h("span.cx-muted", { "aria-hidden": "true" }, "\u2192"), this.gate),
      this.error,
      this.note,
      h(
        "div.cx-rule-line",
        h("button.cx-button.small.primary", { type: "submit" }, "Add"),
        h("button.cx-button.small", { onclick: () => this.#close() }, "Cancel"),
      ),
    );
    this.node = h("div", this.opener, this.form);
  }

  /** rules: of the policy; run: whose signals can be chosen, or null. */
  show(rules, run) {
    this.rules = rules;
    if (run === this.run) return;
    this.run = run;
    this.#signals(run?.signals ?? []);
    if (!this.form.hidden) this.#prefill();
  }

  focus() {
    (this.form.hidden ? this.opener : this.signal).focus();
  }

  #signals(signals) {
    this.opener.disabled = !signals.length;
    const key = JSON.stringify(signals);
    if (key === this.key) return;
    this.key = key;
    const chosen = this.signal.value;
    const group = (label, some) =>
      some.length ? h("optgroup", { label }, some.map((one) => h("option", { value: one.name }, words(one)))) : null;
    fill(
      this.signal,
      group("In this run", signals.filter(({ here }) => here)),
      group("Not in this run", signals.filter(({ here }) => !here)),
    );
    if (signals.some(({ name }) => name === chosen)) this.signal.value = chosen;
  }

  #open() {
    this.form.hidden = false;
    this.opener.hidden = true;
    const free = this.run.signals.filter(({ name }) => !this.rules.some(({ signal }) => signal === name));
    this.gate.value = "abstain";
    this.#choose((free.find(({ here }) => here) ?? this.run.signals[0]).name);
    this.focus();
  }

  #close() {
    this.form.hidden = true;
    this.opener.hidden = false;
    this.focus();
  }

  #choose(name) {
    this.signal.value = name;
    this.side.value = this.run.signals.find((one) => one.name === name).doubtful;
    this.value.value = "";
    this.typed = false;
    this.#prefill();
  }

  // The median of the run, unless somebody typed a value meanwhile.
  async #prefill() {
    const { run, signal } = this;
    const { value: name } = signal;
    this.note.textContent = "";
    const scale = await this.options.onscale(name);
    if (!scale || run !== this.run || name !== signal.value) return;
    const { median, unit, low, high } = scale;
    this.note.textContent =
      median === null ? "Not in this run: the rule would never hold." : `Median in this run: ${number(median)} ${unit}`.trim();
    if (this.typed) return;
    this.value.value = String(Number((median ?? (low + high) / 2).toPrecision(3)));
    this.#say("");
  }

  #add() {
    const value = numberOf(this.value.value);
    if (Number.isNaN(value)) return this.#say(NO_NUMBER);
    const [signal, side] = [this.signal.value, this.side.value];
    const twin = this.rules.findIndex((rule) => rule.signal === signal && rule[side] === value);
    if (twin >= 0)
      return this.#say(`Rule ${twin + 1} decides on that already: ${signal} ${ruleText(this.rules[twin])}.`);
    this.#close();
    this.options.onadd({ signal, below: null, above: null, [side]: value, gate: this.gate.value });
  }

  #say(error) {
    this.error.hidden = !error;
    this.error.textContent = error;
    this.value.setAttribute("aria-invalid", String(Boolean(error)));
    if (error) this.value.focus();
  }
}

/** The number that was typed, with a point or a comma; NaN for what is none. */
export function numberOf(text) {
  const value = text.trim() ? Number(text.trim().replace("\u2212", "-").replace(",", ".")) : NaN;
  return Number.isFinite(value) ? value : NaN;
}

function words({ name, label }) {
  return label === name ? name : `${label} (${name})`;
}
