// The sliders of a policy: one for each rule and two for the confidence, each with a field for the number.

import { fill, h, icon, number } from "./dom.js";
import { ruleText } from "./panels.js";
import { outline } from "./tune_draft.js";
import { share } from "./tune_outcome.js";
import { NO_NUMBER, RuleForm, numberOf } from "./tune_rules.js";

const SVG = "http://www.w3.org/2000/svg";
const ROUTING = {
  answer_above: { words: "answer at or above", kind: "answer" },
  abstain_below: { words: "abstain below", kind: "abstain" },
};

export class Knobs {
  /** options: {onmove(policy, control), onhold(control, pointer), onrelease(pointer)}, and of RuleForm. */
  constructor(options) {
    Object.assign(this, { options, routing: [], rules: [], outcome: null });
    this.form = new RuleForm({ ...options, onadd: (rule) => this.#change([...this.policy.rules, rule], Infinity) });
    this.list = h("div.cx-knobs");
    this.node = h("div.cx-knobs", this.list, this.form.node);
  }

  /** policy: what stands on the sliders; run: as it was opened, or null. */
  show(policy, run) {
    this.policy = policy;
    const [rules, scales] = [outline(policy), run?.scales ?? null];
    if (rules !== this.outline || scales !== this.scales) this.outcome = null;
    const shape = JSON.stringify([rules, policy.rules.map(({ signal }) => Boolean(scales?.[signal]))]);
    const changed = shape !== this.shape || scales !== this.scales;
    Object.assign(this, { outline: rules, scales, shape });
    if (changed) this.#build(policy);
    for (const knob of [...this.routing, ...this.rules]) knob.set(knob.read(policy));
    this.form.show(policy.rules, run);
  }

  /** outcome: of the policy that is shown, or null. */
  count(outcome) {
    this.outcome = outcome;
    for (const knob of this.rules) knob.note(outcome);
  }

  #build(policy) {
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    const at = this.rules.findIndex(({ node }) => node.contains(focused));
    this.rules = policy.rules.map((rule, i) => this.#rule(rule, i));
    this.routing = ["answer_above", "abstain_below"].map((name) => this.#routing(name));
    const loops = policy.rules.some(({ gate }) => gate === "retrieve" || gate === "reflect");
    fill(
      this.list,
      h("h2", "Confidence"),
      this.routing.map(({ node }) => node),
      h("h2", "Rules, the first that holds"),
      this.rules.length ? this.rules.map(({ node }) => node) : h("p.cx-knob-note.cx-muted", "None: the confidence decides."),
      loops
        ? h(
            "p.cx-hint.cx-knob-note",
            "Retrieve and reflect ask again. What that would give is not in the records: here they only keep the later rules from deciding.",
          )
        : null,
    );
    this.count(this.outcome);
    if (focused) this.#focusAgain(focused.name, at);
  }

  // Building anew takes the focus away; it goes back to the same control, or to the rule that is there now.
  #focusAgain(name, at) {
    const same = this.list.querySelector(`[name="${CSS.escape(name)}"]:enabled`);
    if (same) return same.focus();
    this.options.onrelease(false);
    this.#focusRule(at);
  }

  #focusRule(at) {
    (this.rules[Math.min(at, this.rules.length - 1)] ?? this.form).focus();
  }

  // Other rules, of which the one in place `at`, or the last, is the next to be tuned.
  #change(rules, at) {
    this.options.onmove({ ...this.policy, rules }, null);
    this.#focusRule(at);
  }

  #routing(name) {
    return this.#knob({
      control: name,
      label: name,
      kind: ROUTING[name].kind,
      words: () => ROUTING[name].words,
      scale: { ...(this.scales?.confidence ?? {}), low: 0, high: 1, step: 0.005 },
      bounds: [0, 1],
      read: (policy) => policy[name],
      // The two push each other along, so that they never cross.
      write: (policy, value) =>
        name === "answer_above"
          ? { ...policy, answer_above: value, abstain_below: Math.min(policy.abstain_below, value) }
          : { ...policy, abstain_below: value, answer_above: Math.max(policy.answer_above, value) },
    });
  }

  #rule(rule, i) {
    const side = rule.below !== null ? "below" : "above";
    const found = this.scales?.[rule.signal];
    const control = `${i} ${rule.signal}`;
    return this.#knob({
      control,
      label: rule.signal,
      unit: found?.unit,
      words: (value) => ruleText({ ...rule, [side]: value }),
      scale: found ?? { low: rule[side] - 1, high: rule[side] + 1, step: 0.01 },
      bounds: [-Infinity, Infinity],
      read: (policy) => policy.rules[i][side],
      write: (policy, value) => ({
        ...policy,
        rules: policy.rules.map((old, at) => (at === i ? { ...old, [side]: value } : old)),
      }),
      note: (outcome) => {
        if (!outcome) return "";
        const missing = found?.missing ?? 0;
        if (missing === outcome.questions) return "Not in this run: the rule never holds.";
        const part = missing ? `; ${share(missing / outcome.questions)} lack it` : "";
        return `decides ${outcome.rules[i].toLocaleString("en")} (${share(outcome.rules[i] / outcome.questions)})${part}`;
      },
      buttons: this.#buttons(control, rule.signal, i),
    });
  }

  #buttons(control, signal, i) {
    const button = (kind, words, sign, onclick, disabled = false) =>
      h(
        `button.cx-icon-button.cx-rule-${kind}`,
        { name: `${control} ${kind}`, "aria-label": words, title: words, disabled, onclick },
        icon(sign),
      );
    const earlier = () => {
      const { rules } = this.policy;
      this.#change([...rules.slice(0, i - 1), rules[i], rules[i - 1], ...rules.slice(i + 1)], i - 1);
    };
    const remove = () => this.#change(this.policy.rules.filter((_, at) => at !== i), i);
    return [
      button("earlier", `Move the rule on ${signal} earlier`, "go", earlier, i === 0),
      button("remove", `Remove the rule on ${signal}`, "close", remove),
    ];
  }

  #knob({ control, label, unit, kind, words, scale, bounds, read, write, note, buttons = null }) {
    const id = `cx-knob-${control.replace(/\W+/g, "-")}`;
    const error = h("p.cx-field-error", { role: "alert", hidden: true });
    // Two rules on one signal are told apart by what they say.
    const said = h("span", { id: `${id}-said`, class: `cx-rule-text${kind ? ` zone ${kind}` : ""}` });
    const count = h("p.cx-knob-note.cx-muted.cx-num");
    const described = { "aria-describedby": said.id };
    const send = (value) => this.options.onmove(write(this.policy, value), control);
    const range = h("input", {
      type: "range",
      name: `${control} range`,
      min: scale.low,
      max: scale.high,
      step: scale.step,
      ...described,
      "aria-label": `${label}, ${kind ? words() : words(read(this.policy)).replace(/.*\u2192/, "then")}`,
      oninput: () => send(Number(range.value)),
      onpointerdown: () => this.options.onhold(control, true),
      onpointerup: () => this.options.onrelease(true),
      onpointercancel: () => this.options.onrelease(true),
      onkeydown: () => this.options.onhold(control, false),
      onkeyup: () => this.options.onrelease(false),
      onblur: () => this.options.onrelease(false),
    });
    const field = h("input.cx-field.cx-knob-field", {
      id,
      name: `${control} number`,
      inputmode: "decimal",
      autocomplete: "off",
      spellcheck: "false",
      title: unit || null,
      ...described,
      onchange: () => {
        const value = numberOf(field.value);
        const [low, high] = bounds;
        invalid(!(value >= low && value <= high));
        if (wrongAt === null) send(value);
      },
    });
    let wrongAt = null;
    const invalid = (wrong) => {
      wrongAt = wrong ? read(this.policy) : null;
      field.setAttribute("aria-invalid", String(wrong));
      error.hidden = !wrong;
      error.textContent = Number.isFinite(bounds[0]) ? "A number from 0 to 1." : NO_NUMBER;
    };
    const node = h(
      "div.cx-knob",
      h("div.cx-knob-head", h("label", { for: id }, label), said, field),
      error,
      h("div.cx-range", histogram(scale), h("span.cx-track", { "aria-hidden": "true" }), range),
      buttons ? h("div.cx-knob-foot", count, buttons) : null,
    );
    for (const one of buttons ?? []) one.setAttribute("aria-describedby", said.id);
    const set = (value) => {
      range.min = Math.min(scale.low, value);
      range.max = Math.max(scale.high, value);
      if (Number(range.value) !== value) range.value = value;
      range.setAttribute("aria-valuetext", number(value));
      // What was typed wrongly stays until the value is moved in another way.
      if (wrongAt !== null && wrongAt !== value) invalid(false);
      if (wrongAt === null && Number(field.value) !== value) field.value = String(Number(value.toPrecision(6)));
      fill(said, words(value));
    };
    return { node, set, read, note: (outcome) => (count.textContent = note(outcome)), focus: () => range.focus() };
  }
}

// Right answers above the line, wrong ones below; heights by the root of the count, so that few are seen too.
function histogram({ right, wrong }) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "cx-knob-bars");
  svg.setAttribute("aria-hidden", "true");
  if (!right) return svg;
  const bins = right.length;
  const most = Math.max(1, ...right, ...wrong);
  svg.setAttribute("viewBox", `0 0 ${bins} 2`);
  svg.setAttribute("preserveAspectRatio", "none");
  const bar = (i, count, up) => {
    if (!count) return;
    const size = Math.sqrt(count / most);
    const rect = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ x: i + 0.1, width: 0.8, y: up ? 1 - size : 1, height: size }))
      rect.setAttribute(key, value);
    rect.setAttribute("class", up ? "right" : "wrong");
    svg.append(rect);
  };
  for (let i = 0; i < bins; i++) {
    bar(i, right[i], true);
    bar(i, wrong[i], false);
  }
  return svg;
}
