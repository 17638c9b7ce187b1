// A new rule for a policy: on which signal, from which value on, and what is done then.

import { escaped, submitted, textOf } from "../shared/events.js";
import { choice } from "../shared/form.js";
import { html, live } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { button, icon } from "../shared/parts.js";
import { ruleText } from "../shared/tokens.js";
import { number } from "../shared/words.js";
import { numberOf } from "./draft.js";

/** @import {Rule} from "../shared/types" */
/** @import {Opened, RuleDraft, Signal} from "./types" */

export const NO_NUMBER = "Enter a number, e.g. -1.5.";
const SIDES = /** @type {[string, string][]} */ ([
  ["below", "< below"],
  ["above", "> above"],
]);

/** @extends {Part<import("./page.js").Tune>} */
export class RuleForm extends Part {
  /** @type {RuleDraft | null} What stands in it; null while it is closed. */
  draft = null;
  typed = false;
  error = "";
  note = "";
  /** @type {Rule[]} */
  rules = [];
  /** @type {Opened | null} */
  run = null;

  /** @param {import("./page.js").Tune} page @param {(rule: Rule) => void} add */
  constructor(page, add) {
    super(page);
    this.add = add;
  }

  focus() {
    this.page.focus(".cx-rule-new select", ".cx-rule-open");
  }

  get signals() {
    return this.run?.signals ?? [];
  }

  #open = () => {
    const free = this.signals.filter(({ name }) => !this.rules.some(({ signal }) => signal === name));
    this.draft = { signal: "", side: "below", value: "", gate: "abstain" };
    this.#choose((free.find(({ here }) => here) ?? this.signals[0]).name);
    this.focus();
  };

  #close = () => {
    this.set({ draft: null });
    this.focus();
  };

  /** @param {string} name */
  #choose(name) {
    const side = this.signals.find((one) => one.name === name)?.less_confident ?? "below";
    this.#change({ signal: name, side, value: "" });
    this.typed = false;
    this.prefill();
  }

  /** @param {Partial<RuleDraft>} change */
  #change(change, error = "") {
    Object.assign(this.draft ?? {}, change);
    this.set({ error });
  }

  /** The median of the run, unless somebody typed a value meanwhile. */
  async prefill() {
    const { run, draft } = this;
    const name = draft?.signal;
    if (!name) return;
    this.note = "";
    const scale = await this.page.scale(name);
    if (!scale || run !== this.run || draft !== this.draft || name !== draft.signal) return;
    const { median = null, unit = "", low, high } = scale;
    const words = `Median in this run: ${number(median)} ${unit}`.trim();
    this.note = median === null ? "Not in this run, so the rule would never hold." : words;
    if (this.typed) return this.page.paint();
    this.#change({ value: String(Number((median ?? (low + high) / 2).toPrecision(3))) });
  }

  #add = () => {
    if (!this.draft) return;
    const { signal, side, gate } = this.draft;
    const value = numberOf(this.draft.value);
    const twin = this.rules.findIndex((rule) => rule.signal === signal && rule[side] === value);
    const same = () =>
      `Rule ${twin + 1} is the same: ${this.page.name(signal)} ${ruleText(this.rules[twin], number)}.`;
    const error = Number.isNaN(value) ? NO_NUMBER : twin >= 0 ? same() : "";
    if (error) {
      this.#change({}, error);
      return this.page.focus(".cx-rule-new input");
    }
    this.#close();
    this.add({ signal, below: null, above: null, [side]: value, gate });
  };

  /** @param {Rule[]} rules of the policy @param {Opened | null} run whose signals can be chosen */
  view(rules, run) {
    const other = run !== this.run;
    Object.assign(this, { rules, run });
    if (other && this.draft) this.prefill();
    const options = { kind: "small cx-rule-open", disabled: !this.signals.length };
    return html`<div>${this.draft ? this.#form(this.draft) : button([icon("plus"), "Add a rule"], this.#open, options)}</div>`;
  }

  /** @param {RuleDraft} draft */
  #form({ signal, side, value, gate }) {
    const typed = (/** @type {Event} */ event) => {
      this.typed = true;
      this.#change({ value: textOf(event) });
    };
    const group = (/** @type {string} */ label, /** @type {boolean} */ here) => {
      const options = this.signals.filter((one) => one.here === here).map(words);
      return options.length ? [{ label, options }] : [];
    };
    const signals = [...group("In this run", true), ...group("Not in this run", false)];
    const gates = this.page.config.gates.map((/** @type {string} */ name) => [name, name]);
    const sided = (/** @type {any} */ one) => this.#change({ side: one });
    const gated = (/** @type {string} */ one) => this.#change({ gate: one });
    return html`<form class="cx-column cx-rule-new" aria-label="New rule" novalidate @submit=${submitted(this.#add)} @keydown=${escaped(this.#close)}>
      ${choice(signals, { label: "Signal", value: signal, change: (name) => this.#choose(name) })}
      <div class="cx-row">${choice(SIDES, { label: "Below or above", value: side, change: sided })}<input
        class="cx-input cx-number" aria-label="Threshold" inputmode="decimal" autocomplete="off" spellcheck="false" .value=${live(value)}
        aria-invalid=${String(Boolean(this.error))} @input=${typed}><span class="cx-muted" aria-hidden="true">→</span>${choice(gates, { label: "Gate", value: gate, change: gated })}</div>
      ${this.error ? html`<p class="cx-field-error" role="alert">${this.error}</p>` : null}
      <p class="cx-hint cx-num">${this.note}</p>
      <div class="cx-row"><button type="submit" class="cx-button small primary">Add</button>${button("Cancel", this.#close)}</div></form>`;
  }
}

/** @param {Signal} signal @returns {[string, string]} */
function words({ name, label }) {
  return [name, label];
}
