// A new rule for a policy: on which signal, from which value on, and what is done then.

import { choice } from "../shared/form.js";
import { html, live } from "../shared/lit.js";
import { button, icon } from "../shared/parts.js";
import { ruleText } from "../shared/tokens.js";
import { number } from "../shared/words.js";
import { numberOf } from "./draft.js";

/** @import {Rule} from "../shared/types" */
/** @import {Opened, Scale, Signal} from "./types" */
/** @typedef {"below" | "above"} Side */

export const NO_NUMBER = "A number, e.g. -1.5.";
const SIDES = /** @type {[string, string][]} */ ([
  ["below", "< below"],
  ["above", "> above"],
]);

export class RuleForm {
  /** What stands in it; null while it is closed. @type {{signal: string, side: Side, value: string, gate: string} | null} */
  draft = null;
  typed = false;
  error = "";
  note = "";
  /** @type {Rule[]} */
  rules = [];
  /** @type {Opened | null} */
  run = null;

  /** @param {import("../shared/page.js").Page} page @param {{gates: string[], add: (rule: Rule) => void, scale: (signal: string) => Promise<Scale | undefined>}} options */
  constructor(page, options) {
    this.page = page;
    this.options = options;
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
    this.draft = null;
    this.page.paint();
    this.focus();
  };

  /** @param {string} name */
  #choose(name) {
    const side = this.signals.find((one) => one.name === name)?.doubtful ?? "below";
    this.#set({ signal: name, side, value: "" });
    this.typed = false;
    this.prefill();
  }

  /** @param {object} change */
  #set(change, error = "") {
    Object.assign(this.draft ?? {}, change);
    this.error = error;
    this.page.paint();
  }

  /** The median of the run, unless somebody typed a value meanwhile. */
  async prefill() {
    const { run, draft } = this;
    const name = draft?.signal;
    if (!name) return;
    this.note = "";
    const scale = await this.options.scale(name);
    if (!scale || run !== this.run || draft !== this.draft || name !== draft.signal) return;
    const { median = null, unit = "", low, high } = scale;
    const words = `Median in this run: ${number(median)} ${unit}`.trim();
    this.note = median === null ? "Not in this run: the rule would never hold." : words;
    if (this.typed) return this.page.paint();
    this.#set({ value: String(Number((median ?? (low + high) / 2).toPrecision(3))) });
  }

  #add() {
    if (!this.draft) return;
    const { signal, side, gate } = this.draft;
    const value = numberOf(this.draft.value);
    const twin = this.rules.findIndex((rule) => rule.signal === signal && rule[side] === value);
    const error = Number.isNaN(value)
      ? NO_NUMBER
      : twin >= 0
        ? `Rule ${twin + 1} decides on that already: ${signal} ${ruleText(this.rules[twin], number)}.`
        : "";
    if (error) {
      this.#set({}, error);
      return this.page.focus(".cx-rule-new input");
    }
    this.#close();
    this.options.add({ signal, below: null, above: null, [side]: value, gate });
  }

  /** @param {Rule[]} rules of the policy @param {Opened | null} run whose signals can be chosen */
  view(rules, run) {
    const other = run !== this.run;
    Object.assign(this, { rules, run });
    if (other && this.draft) this.prefill();
    const none = !this.signals.length;
    return html`<div>${
      this.draft
        ? this.#form(this.draft)
        : button([icon("plus"), "Add a rule"], this.#open, { kind: "small cx-rule-open", disabled: none })
    }</div>`;
  }

  /** @param {NonNullable<typeof this.draft>} draft */
  #form({ signal, side, value, gate }) {
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#add();
    };
    const leave = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && this.#close();
    const typed = (/** @type {Event} */ event) => {
      this.typed = true;
      this.#set({ value: /** @type {HTMLInputElement} */ (event.target).value });
    };
    const group = (/** @type {string} */ label, /** @type {boolean} */ here) => {
      const options = this.signals.filter((one) => one.here === here).map(words);
      return options.length ? [{ label, options }] : [];
    };
    const signals = [...group("In this run", true), ...group("Not in this run", false)];
    const gates = /** @type {[string, string][]} */ (this.options.gates.map((name) => [name, name]));
    return html`<form class="cx-rule-new" aria-label="New rule" novalidate @submit=${submit} @keydown=${leave}>
      ${choice(signals, { label: "Signal", value: signal, change: (name) => this.#choose(name) })}
      <div class="cx-rule-line">${choice(SIDES, { label: "Below or above", value: side, change: (one) => this.#set({ side: one }) })}<input
        class="cx-field" aria-label="Threshold" inputmode="decimal" autocomplete="off" spellcheck="false" .value=${live(value)}
        aria-invalid=${String(Boolean(this.error))} @input=${typed}><span class="cx-muted" aria-hidden="true">→</span>${choice(
          gates,
          {
            ...{
              label: "Gate",
              value: gate,
              change: (/** @type {string} */ one) => this.#set({ gate: one }),
            },
          },
        )}</div>
      ${this.error ? html`<p class="cx-field-error" role="alert">${this.error}</p>` : null}
      <p class="cx-knob-note cx-muted cx-num">${this.note}</p>
      <div class="cx-rule-line"><button type="submit" class="cx-button small primary">Add</button>${button("Cancel", this.#close)}</div></form>`;
  }
}

/** @param {Signal} signal @returns {[string, string]} */
function words({ name, label }) {
  return [name, label === name ? name : `${label} (${name})`];
}
