// The sliders of a policy: one for each rule and two for the confidence, each with a field for the number.

import { html, live, nothing } from "../shared/lit.js";
import { icon } from "../shared/parts.js";
import { ruleText } from "../shared/tokens.js";
import { count, number, share } from "../shared/words.js";
import { numberOf, outline } from "./draft.js";
import { NO_NUMBER, RuleForm } from "./rules.js";

/** @import {Policy, Rule} from "../shared/types" */
/** @import {Opened, Outcome, Scale} from "./types" */
/**
 * What it does: move to a policy, take hold of a control and let go of it.
 * @typedef {{gates: string[], scale: (signal: string) => Promise<Scale | undefined>, move: (policy: Policy, control: string | null) => void,
 *   hold: (control: string, pointer: boolean) => void, release: (pointer: boolean) => void}} Options
 */
/**
 * @typedef {object} Knob
 * @property {string} control
 * @property {string} label
 * @property {string} said what it does
 * @property {string} kind class of what is said
 * @property {string} name of the slider, behind its label
 * @property {Scale} scale
 * @property {[number, number]} bounds
 * @property {number} value
 * @property {(value: number) => Policy} write
 * @property {unknown} [foot]
 */

const ROUTING = /** @type {const} */ ({
  answer_above: { words: "answer at or above", kind: " zone answer" },
  abstain_below: { words: "abstain below", kind: " zone abstain" },
});
const LOOPS =
  "Retrieve and reflect ask again. What that would give is not in the records: here they only keep the later rules from deciding.";

export class Knobs {
  /** @type {Outcome | null} Of the policy that is shown. */
  outcome = null;
  /** @type {Policy | null} */
  policy = null;
  /** @type {Opened | null} */
  run = null;
  /** What stands there wrongly, by its control, and the value that it was typed over. @type {Map<string, number>} */
  wrong = new Map();
  shape = "";

  /** @param {import("../shared/page.js").Page} page @param {Options} options */
  constructor(page, options) {
    this.page = page;
    this.options = options;
    this.form = new RuleForm(page, {
      ...options,
      add: (rule) => this.#change([...(this.policy?.rules ?? []), rule], Infinity),
    });
  }

  /** Paint the page; where that takes the control away that had the keyboard, the rule that is there now gets it. */
  paint() {
    const knobs = this.#knobs();
    const at = knobs.findIndex((knob) => knob.contains(document.activeElement));
    this.page.paint();
    if (at < 0 || document.activeElement !== document.body) return;
    this.options.release(false);
    this.#focusRule(at);
  }

  #knobs() {
    return [...this.page.root.querySelectorAll(".cx-knob[data-rule]")];
  }

  /** @param {number} at */
  #focusRule(at) {
    const knobs = this.#knobs();
    const knob = knobs[Math.min(at, knobs.length - 1)];
    if (!knob) return this.form.focus();
    /** @type {HTMLElement | null} */ (knob.querySelector("input[type='range']"))?.focus();
  }

  /** Other rules, of which the one in place `at`, or the last, is the next to be tuned. @param {Rule[]} rules @param {number} at */
  #change(rules, at) {
    if (this.policy) this.options.move({ ...this.policy, rules }, null);
    this.#focusRule(at);
  }

  /** @param {Policy} policy what stands on the sliders @param {Opened | null} run */
  view(policy, run) {
    const shape = outline(policy);
    // Counts of other rules than those on the sliders are not shown beside them.
    if (shape !== this.shape || run?.scales !== this.run?.scales) this.outcome = null;
    Object.assign(this, { policy, run, shape });
    const loops = policy.rules.some(({ gate }) => gate === "retrieve" || gate === "reflect");
    return html`<div class="cx-knobs"><div class="cx-knobs"><h2>Confidence</h2>${this.#routing(policy, "answer_above")}${this.#routing(policy, "abstain_below")}
        <h2>Rules, the first that holds</h2>${
          policy.rules.length
            ? policy.rules.map((rule, i) => this.#rule(policy, rule, i))
            : html`<p class="cx-knob-note cx-muted">None: the confidence decides.</p>`
        }${loops ? html`<p class="cx-hint cx-knob-note">${LOOPS}</p>` : nothing}</div>
      ${this.form.view(policy.rules, run)}</div>`;
  }

  /** @param {Policy} policy @param {keyof typeof ROUTING} name */
  #routing(policy, name) {
    const { words, kind } = ROUTING[name];
    // The two push each other along, so that they never cross.
    const write = (/** @type {number} */ value) =>
      name === "answer_above"
        ? { ...policy, answer_above: value, abstain_below: Math.min(policy.abstain_below, value) }
        : { ...policy, abstain_below: value, answer_above: Math.max(policy.answer_above, value) };
    const scale = { ...this.run?.scales.confidence, low: 0, high: 1, step: 0.005 };
    return this.#knob({
      ...{ control: name, label: name, said: words, kind, name: words },
      ...{ scale, bounds: [0, 1], value: policy[name], write },
    });
  }

  /** @param {Policy} policy @param {Rule} rule @param {number} i */
  #rule(policy, rule, i) {
    const side = rule.below !== null ? "below" : "above";
    const value = rule[side] ?? 0;
    const found = this.run?.scales[rule.signal];
    const said = ruleText(rule, number);
    const write = (/** @type {number} */ now) => ({
      ...policy,
      rules: policy.rules.map((old, at) => (at === i ? { ...old, [side]: now } : old)),
    });
    return this.#knob({
      ...{
        control: `${i} ${rule.signal}`,
        label: rule.signal,
        said,
        kind: "",
        name: said.replace(/.*\u2192/, "then"),
      },
      ...{
        scale: found ?? { low: value - 1, high: value + 1, step: 0.01 },
        bounds: [-Infinity, Infinity],
        value,
        write,
      },
      foot: html`<div class="cx-knob-foot"><p class="cx-knob-note cx-muted cx-num">${this.#note(found, i)}</p>${this.#buttons(policy.rules, i)}</div>`,
    });
  }

  /** How often a rule decides. @param {Scale | undefined} scale @param {number} i */
  #note(scale, i) {
    const { outcome } = this;
    if (!outcome) return "";
    const missing = scale?.missing ?? 0;
    if (missing === outcome.questions) return "Not in this run: the rule never holds.";
    const part = missing ? `; ${share(missing / outcome.questions)} lack it` : "";
    return `decides ${count(outcome.rules[i])} (${share(outcome.rules[i] / outcome.questions)})${part}`;
  }

  /** @param {Rule[]} rules @param {number} i */
  #buttons(rules, i) {
    const { signal } = rules[i];
    const one = (
      /** @type {string} */ kind,
      /** @type {string} */ words,
      /** @type {import("../shared/parts.js").Icon} */ shape,
      /** @type {() => void} */ press,
      off = false,
    ) =>
      html`<button type="button" class="cx-icon-button cx-rule-${kind}" aria-label=${words} title=${words} aria-describedby=${idOf(`${i} ${signal}`)}
        ?disabled=${off} @click=${press}>${icon(shape)}</button>`;
    const earlier = () =>
      this.#change([...rules.slice(0, i - 1), rules[i], rules[i - 1], ...rules.slice(i + 1)], i - 1);
    const remove = () =>
      this.#change(
        rules.filter((_, at) => at !== i),
        i,
      );
    return html`${one("earlier", `Move the rule on ${signal} earlier`, "go", earlier, i === 0)}${one("remove", `Remove the rule on ${signal}`, "close", remove)}`;
  }

  /** @param {Knob} knob */
  #knob({ control, label, said, kind, name, scale, bounds: [low, high], value, write, foot }) {
    const { move, hold, release } = this.options;
    const over = this.wrong.get(control);
    // What was typed wrongly stays until the value is moved in another way.
    if (over !== undefined && over !== value) this.wrong.delete(control);
    const wrong = this.wrong.has(control);
    const slide = (/** @type {Event} */ event) =>
      move(write(Number(/** @type {HTMLInputElement} */ (event.target).value)), control);
    const typed = (/** @type {Event} */ event) => {
      const now = numberOf(/** @type {HTMLInputElement} */ (event.target).value);
      if (now >= low && now <= high) {
        this.wrong.delete(control);
        return move(write(now), control);
      }
      this.wrong.set(control, value);
      this.page.paint();
    };
    const text = String(Number(value.toPrecision(6)));
    const id = idOf(control);
    return html`<div class="cx-knob" data-rule=${foot ? control : nothing}>
      <div class="cx-knob-head"><label for="${id}-field">${label}</label><span class="cx-rule-text${kind}" id=${id}>${said}</span><input
        class="cx-field cx-knob-field" id="${id}-field" inputmode="decimal" autocomplete="off" spellcheck="false" title=${scale.unit || nothing}
        aria-describedby=${id} aria-invalid=${String(wrong)} .value=${text} @change=${typed}></div>
      ${wrong ? html`<p class="cx-field-error" role="alert">${Number.isFinite(low) ? "A number from 0 to 1." : NO_NUMBER}</p>` : nothing}
      <div class="cx-range">${histogram(scale)}<span class="cx-track" aria-hidden="true"></span><input type="range" min=${Math.min(scale.low, value)}
        max=${Math.max(scale.high, value)} step=${scale.step} .value=${live(String(value))} aria-valuetext=${number(value)} aria-label="${label}, ${name}"
        aria-describedby=${id} @input=${slide} @pointerdown=${() => hold(control, true)} @pointerup=${() => release(true)}
        @pointercancel=${() => release(true)} @keydown=${() => hold(control, false)} @keyup=${() => release(false)} @blur=${() => release(false)}></div>
      ${foot ?? nothing}</div>`;
  }
}

/** @param {string} control */
function idOf(control) {
  return `cx-knob-${control.replace(/\W+/g, "-")}`;
}

/** Right answers above the line, wrong ones below; heights by the root of the count, so that few are seen too. @param {Scale} scale */
function histogram({ right, wrong }) {
  if (!right || !wrong) return html`<svg class="cx-knob-bars" aria-hidden="true"></svg>`;
  const most = Math.max(1, ...right, ...wrong);
  const bars = (/** @type {number[]} */ counts, /** @type {-1 | 1} */ way) =>
    counts.map((some, i) => (some ? `M${i + 0.1} 1h.8v${way * Math.sqrt(some / most)}h-.8z` : "")).join("");
  return html`<svg class="cx-knob-bars" aria-hidden="true" viewBox="0 0 ${right.length} 2" preserveAspectRatio="none"><path class="right"
    d=${bars(right, -1)}></path><path class="wrong" d=${bars(wrong, 1)}></path></svg>`;
}
