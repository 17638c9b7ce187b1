// The sliders of a policy: one for each rule and two for the confidence, each with a field for the number.

import { fill, h, number } from "./dom.js";
import { share } from "./tune_outcome.js";
import { ruleText } from "./panels.js";

const SVG = "http://www.w3.org/2000/svg";
const ROUTING = {
  answer_above: { words: "answer at or above", kind: "answer" },
  abstain_below: { words: "abstain below", kind: "abstain" },
};

export class Knobs {
  /** options: {onmove(policy, control), onhold(control, pointer), onrelease(pointer)}. */
  constructor(element, options) {
    Object.assign(this, { options, element, knobs: [], shape: null });
  }

  /** policy: what stands on the sliders; scales: of the run's signals, by name, or null without a run. */
  show(policy, scales) {
    this.policy = policy;
    const shape = JSON.stringify([policy.rules.map(({ signal, below, gate }) => [signal, below === null, gate])]);
    if (shape !== this.shape || scales !== this.scales) this.#build(policy, scales, shape);
    for (const knob of this.knobs) knob.set(knob.read(policy));
  }

  /** outcome: of the policy that is shown, or null. */
  count(outcome) {
    for (const knob of this.knobs) knob.note(outcome);
  }

  #build(policy, scales, shape) {
    Object.assign(this, { shape, scales });
    const rules = policy.rules.map((rule, i) => this.#rule(rule, i));
    const routing = ["answer_above", "abstain_below"].map((name) => this.#routing(name));
    this.knobs = [...routing, ...rules];
    const loops = policy.rules.some(({ gate }) => gate === "retrieve" || gate === "reflect");
    // Rebuilding takes the focus away; it goes back to the same control.
    const focused = this.element.contains(document.activeElement) ? document.activeElement.name : null;
    fill(
      this.element,
      h("h2", "Confidence"),
      routing.map(({ node }) => node),
      rules.length ? h("h2", "Rules, the first that holds") : null,
      rules.map(({ node }) => node),
      loops
        ? h(
            "p.cx-hint.cx-knob-note",
            "Retrieve and reflect ask again. What that would give is not in the records, so these rules change no decision here.",
          )
        : null,
    );
    if (focused) this.element.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
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
      note: () => "",
    });
  }

  #rule(rule, i) {
    const side = rule.below !== null ? "below" : "above";
    const found = this.scales?.[rule.signal];
    return this.#knob({
      control: `${i} ${rule.signal}`,
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
    });
  }

  #knob({ control, label, unit, kind, words, scale, bounds, read, write, note }) {
    const id = `cx-knob-${control.replace(/\W+/g, "-")}`;
    const error = h("p.cx-field-error", { role: "alert", hidden: true });
    const said = h("span", { class: `cx-rule-text${kind ? ` zone ${kind}` : ""}` });
    const count = h("p.cx-knob-note.cx-muted.cx-num");
    const send = (value) => this.options.onmove(write(this.policy, value), control);
    const range = h("input", {
      type: "range",
      name: `${control} range`,
      min: scale.low,
      max: scale.high,
      step: scale.step,
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
      onchange: () => {
        const value = Number(field.value.trim().replace("\u2212", "-").replace(",", "."));
        const [low, high] = bounds;
        invalid(!field.value.trim() || !Number.isFinite(value) || value < low || value > high);
        if (wrongAt === null) send(value);
      },
    });
    let wrongAt = null;
    const invalid = (wrong) => {
      wrongAt = wrong ? read(this.policy) : null;
      field.setAttribute("aria-invalid", String(wrong));
      error.hidden = !wrong;
      error.textContent = Number.isFinite(bounds[0]) ? "A number from 0 to 1." : "A number, e.g. -1.5.";
    };
    const node = h(
      "div.cx-knob",
      h("div.cx-knob-head", h("label", { for: id }, label), said, field),
      error,
      h("div.cx-range", histogram(scale), h("span.cx-track", { "aria-hidden": "true" }), range),
      count,
    );
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
    return { node, set, read, note: (outcome) => (count.textContent = note(outcome)) };
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
