// The sliders of a policy: one for each rule and two for the confidence, each with a field for the number.

import { textOf } from "../shared/events.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { hint, iconButton } from "../shared/parts.js";
import { ruleText, withRule, withThreshold } from "../shared/tokens.js";
import { chosen, count, number, share } from "../shared/words.js";
import { numberOf, outline } from "./draft.js";
import { NO_NUMBER, RuleForm } from "./rules.js";

/** @import {Policy, Rule} from "../shared/types" */
/** @import {Opened, Outcome, Scale, Slider} from "./types" */

const ROUTING = /** @type {const} */ ({
  answer_above: { label: "Answer at or above", said: "likely correct", kind: " zone answer" },
  abstain_below: { label: "Abstain below", said: "likely correct", kind: " zone abstain" },
  larger_above: { label: "Larger model from", said: "likely correct", kind: " zone answer" },
});
const LOOPS =
  "Retrieve and reflect ask again. The run does not record what that would give: here they only keep later rules from deciding.";

/** @extends {Part<import("./page.js").Tune>} */
export class Sliders extends Part {
  /** @type {Outcome | null} Of the policy that is shown. */
  outcome = null;
  /** @type {Policy | null} */
  policy = null;
  /** @type {Opened | null} */
  run = null;
  /** What stands there wrongly, by its control, and the value that it was typed over. @type {Map<string, number>} */
  wrong = new Map();
  shape = "";
  form = new RuleForm(this.page, (rule) => this.#change([...(this.policy?.rules ?? []), rule], Infinity));

  /** Paint the page; where that takes the control away that had the keyboard, the rule that is there now gets it. */
  paint() {
    const at = this.#rules().findIndex((rule) => rule.contains(document.activeElement));
    this.page.paint();
    if (at < 0 || document.activeElement !== document.body) return;
    this.page.draft?.release(false);
    this.#focusRule(at);
  }

  #rules() {
    return [...this.page.root.querySelectorAll(".cx-slider[data-rule]")];
  }

  /** @param {number} at */
  #focusRule(at) {
    const rules = this.#rules();
    const rule = rules[Math.min(at, rules.length - 1)];
    if (!rule) return this.form.focus();
    /** @type {HTMLElement | null} */ (rule.querySelector("input[type='range']"))?.focus();
  }

  /** Other rules, of which the one in place `at`, or the last, is the next to be tuned. @param {Rule[]} rules @param {number} at */
  #change(rules, at) {
    if (this.policy) this.page.moveTo({ ...this.policy, rules }, null);
    this.#focusRule(at);
  }

  /** @param {Policy} policy what stands on the sliders @param {Opened | null} run */
  view(policy, run) {
    const shape = outline(policy);
    // Counts of other rules than those on the sliders are not shown beside them.
    if (shape !== this.shape || run?.scales !== this.run?.scales) this.outcome = null;
    Object.assign(this, { policy, run, shape });
    const loops = policy.rules.some(({ gate }) => gate === "retrieve" || gate === "reflect");
    const rules = policy.rules.map((rule, i) => this.#rule(policy, rule, i));
    return html`<div class="cx-column"><h3 class="cx-hint">Confidence</h3>${this.#routing(policy, "answer_above")}${this.#routing(policy, "abstain_below")}${policy.larger_above === null || policy.larger_above === undefined ? nothing : this.#routing(policy, "larger_above")}
      <h3 class="cx-hint">Rules (first match wins)</h3>${rules.length ? rules : hint("None: the confidence decides.")}${loops ? hint(LOOPS) : nothing}
      ${this.form.view(policy.rules, run)}</div>`;
  }

  /** @param {Policy} policy @param {keyof typeof ROUTING} name */
  #routing(policy, name) {
    return this.#slider({
      ...{
        control: name,
        title: name,
        ...ROUTING[name],
        name: ROUTING[name].said,
        value: policy[name] ?? 0,
        percent: true,
      },
      // The histogram is of the first model's confidences.
      ...{
        scale: {
          ...(name === "larger_above" ? {} : this.run?.scales.confidence),
          low: 0,
          high: 1,
          step: 0.005,
        },
      },
      bounds: [0, 1],
      write: (value) =>
        name === "larger_above" ? { ...policy, larger_above: value } : withThreshold(policy, name, value),
    });
  }

  /** @param {Policy} policy @param {Rule} rule @param {number} i */
  #rule(policy, rule, i) {
    const value = rule.below ?? rule.above ?? 0;
    const found = this.run?.scales[rule.signal];
    const said = ruleText(rule, number);
    const control = `${i} ${rule.signal}`;
    return this.#slider({
      ...{
        control,
        title: rule.signal,
        label: this.page.name(rule.signal),
        said,
        kind: "",
        name: said.replace(/.*\u2192/, "then"),
        value,
      },
      ...{ scale: found ?? { low: value - 1, high: value + 1, step: 0.01 }, bounds: [-Infinity, Infinity] },
      write: (now) => ({ ...policy, rules: withRule(policy.rules, i, now) }),
      foot: html`<div class="cx-row tight cx-slider-foot"><p class="cx-hint cx-num cx-grow">${this.#note(found, i)}</p>${this.#buttons(policy.rules, i)}</div>`,
    });
  }

  /** How often a rule decides. @param {Scale | undefined} scale @param {number} i */
  #note(scale, i) {
    const { outcome } = this;
    if (!outcome) return "";
    const missing = scale?.missing ?? 0;
    if (missing === outcome.questions) return "Not in this run, so the rule never holds.";
    const part = missing ? `; missing for ${share(missing / outcome.questions)}` : "";
    return `decides ${count(outcome.rules[i])} (${share(outcome.rules[i] / outcome.questions)})${part}`;
  }

  /** @param {Rule[]} rules @param {number} i */
  #buttons(rules, i) {
    const { signal } = rules[i];
    const about = idOf(`${i} ${signal}`);
    const label = this.page.name(signal);
    const earlier = () =>
      this.#change([...rules.slice(0, i - 1), rules[i], rules[i - 1], ...rules.slice(i + 1)], i - 1);
    const remove = () => this.#change(rules.toSpliced(i, 1), i);
    return [
      iconButton("rise", `Move the rule on ${label} earlier`, earlier, { about, disabled: i === 0 }),
      iconButton("close", `Remove the rule on ${label}`, remove, { about }),
    ];
  }

  /** @param {Slider} slider */
  #slider({
    control,
    title,
    label,
    said,
    kind,
    name,
    percent,
    scale,
    bounds: [low, high],
    value,
    write,
    foot,
  }) {
    const { page } = this;
    const over = this.wrong.get(control);
    // What was typed wrongly stays until the value is moved in another way.
    if (over !== undefined && over !== value) this.wrong.delete(control);
    const wrong = this.wrong.has(control);
    const slide = (/** @type {Event} */ event) => page.moveTo(write(Number(textOf(event))), control);
    const typed = (/** @type {Event} */ event) => {
      const now = percent ? numberOf(textOf(event).replace("%", "")) / 100 : numberOf(textOf(event));
      if (now >= low && now <= high) {
        this.wrong.delete(control);
        return page.moveTo(write(now), control);
      }
      this.wrong.set(control, value);
      page.paint();
    };
    const hold = (/** @type {boolean} */ pointer) => () => page.draft?.hold(control, pointer);
    const release = (/** @type {boolean} */ pointer) => () => page.draft?.release(pointer);
    const error = percent ? "Enter a percentage from 0 to 100." : NO_NUMBER;
    const id = idOf(control);
    return html`<div class="cx-slider" data-rule=${foot ? control : nothing}>
      <div class="cx-slider-head"><label title=${title} for="${id}-field">${label}</label><span class="cx-rule-text${kind}" id=${id}>${said}</span><span class="cx-value cx-row tight"><input
        class="cx-input cx-number" id="${id}-field" inputmode="decimal" autocomplete="off" spellcheck="false" title=${scale.unit || nothing}
        aria-describedby=${id} aria-invalid=${String(wrong)} .value=${String(Number((percent ? 100 * value : value).toPrecision(6)))} @change=${typed}>${percent ? html`<span aria-hidden="true">%</span>` : nothing}</span></div>
      ${wrong ? html`<p class="cx-field-error" role="alert">${error}</p>` : nothing}
      <div class="cx-range">${histogram(scale)}<span class="cx-track" aria-hidden="true"></span><input type="range" min=${Math.min(scale.low, value)}
        max=${Math.max(scale.high, value)} step=${scale.step} .value=${live(String(value))} aria-valuetext=${percent ? chosen(value) : number(value)} aria-label="${label}, ${name}"
        aria-describedby=${id} @input=${slide} @pointerdown=${hold(true)} @pointerup=${release(true)} @pointercancel=${release(true)}
        @keydown=${hold(false)} @keyup=${release(false)} @blur=${release(false)}></div>
      ${foot ?? nothing}</div>`;
  }
}

/** @param {string} control */
function idOf(control) {
  return `cx-slider-${control.replace(/\W+/g, "-")}`;
}

/** Correct answers above the line, incorrect ones below; heights by the root of the count, so that few are seen too. @param {Scale} scale */
function histogram({ correct = [], incorrect = [] }) {
  const most = Math.max(1, ...correct, ...incorrect);
  const bars = (/** @type {number[]} */ counts, /** @type {-1 | 1} */ way) =>
    counts.map((some, i) => (some ? `M${i + 0.1} 1h.8v${way * Math.sqrt(some / most)}h-.8z` : "")).join("");
  return html`<svg class="cx-slider-bars" aria-hidden="true" viewBox="0 0 ${correct.length || 1} 2" preserveAspectRatio="none"><path class="correct"
    d=${bars(correct, -1)}></path><path class="incorrect" d=${bars(incorrect, 1)}></path></svg>`;
}
