// The decision on the answer that is looked at, and the thresholds that can be moved to see what they would do.

import { figure, fill, h, icon, number, reveal } from "./dom.js";
import { holds, ruleText } from "./panels.js";
import { storyLine } from "./story.js";

const STEPS = 200; // of a slider, over its signal's natural scale

export class Verdict {
  /** options: {redecide(trace id, policy), onpolicy(policy)} and what `activate` takes. */
  constructor(element, options) {
    this.options = options;
    this.active = options.policy;
    this.policy = structuredClone(options.policy);
    this.decision = h("div.cx-decision");
    this.live = h("p.cx-sr", { "aria-live": "polite" });
    this.thresholds = h("div.cx-thresholds");
    const reset = h(
      "button.cx-link",
      { onclick: () => this.#replace(structuredClone(this.active)) },
      "Reset",
    );
    this.moved = h(
      "p.cx-muted.cx-moved",
      { hidden: true },
      h("span", "Moved thresholds hold on this page, for the next questions too."),
      reset,
    );
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    element.append(
      this.decision,
      this.live,
      h(
        "details.cx-tune",
        { open: window.innerWidth >= 1000 },
        h("summary", "Thresholds"),
        this.thresholds,
        this.moved,
      ),
      this.error,
    );
    this.#build();
  }

  /** Whether a threshold was moved. */
  get changed() {
    return JSON.stringify(this.policy) !== JSON.stringify(this.active);
  }

  /** Take the service's policy, unless thresholds were moved here: {policy, version, ranges, promise}. */
  activate({ policy, version, ranges, promise }) {
    const moved = this.changed;
    const same = version === this.options.version && promise === this.options.promise;
    Object.assign(this.options, { policy, version, ranges, promise });
    if (same) return;
    this.active = policy;
    if (!moved) this.#replace(structuredClone(policy));
  }

  /** Show a trace's decision; under moved thresholds, the one that they would make. */
  show(trace) {
    const other = trace?.id !== this.trace?.id;
    this.trace = trace;
    this.now = trace?.last.decision ?? null;
    this.#draw();
    if (other && trace && (this.changed || trace.policy !== this.options.version)) this.#ask();
  }

  #replace(policy) {
    this.policy = policy;
    this.#build();
    this.#moved();
  }

  #moved() {
    this.options.onpolicy(this.policy);
    this.#draw();
    if (this.trace) this.#ask();
  }

  // Always the last: while one question to the server is under way, only the newest policy waits.
  async #ask() {
    if (this.asking) return void (this.again = true);
    this.asking = true;
    const { trace, policy } = this;
    const { value, error } = await this.options.redecide(trace.id, policy);
    this.asking = false;
    if (this.again || trace !== this.trace) {
      this.again = false;
      return this.trace && this.#ask();
    }
    this.error.hidden = !error;
    this.error.textContent = error?.message ?? "";
    if (value) this.now = value;
    this.#draw();
  }

  #draw() {
    const { trace, now } = this;
    this.moved.hidden = !this.changed;
    this.#marks();
    if (!trace) {
      fill(this.decision, h("p.cx-hint", "The decision on the answer will stand here."));
      return;
    }
    const { value, calibrated } = trace.last.confidence;
    const recorded = trace.last.decision;
    fill(
      this.decision,
      h(
        "div.cx-decision-head",
        badge(now.action, true),
        h(
          "div.cx-confidence",
          h("span.cx-confidence-value", figure(value)),
          h("span.cx-muted", calibrated === null ? "confidence, not calibrated" : "confidence, calibrated"),
        ),
      ),
      h("p.cx-reason", h("bdi", ...reveal(now.reason))),
      storyLine(trace),
      // It is about answers as they were first given, which the gate lets pass.
      calibrated !== null && recorded.gate === "proceed" && !this.changed && this.options.promise
        ? h("p.cx-muted.cx-promise", this.options.promise)
        : null,
      now.action !== recorded.action
        ? h("p.cx-muted.cx-recorded", "Recorded when it was asked: ", badge(recorded.action))
        : null,
    );
    const said = `Decision: ${now.action}. ${now.reason}. Confidence ${number(value)}${calibrated === null ? ", not calibrated" : ""}.`;
    if (this.live.textContent !== said) this.live.textContent = said;
  }

  #build() {
    const { answer_above, abstain_below } = this.policy;
    this.rows = this.policy.rules.map((rule, i) => this.#rule(rule, i));
    this.zones = h("span.cx-zones", { "aria-hidden": "true" }, h("i"), h("i"), h("i"));
    this.mark = h("span.cx-mark", { "aria-hidden": "true" });
    this.ends = ["abstain_below", "answer_above"].map((name) =>
      h("input", {
        type: "range",
        min: 0,
        max: 1,
        step: 0.01,
        value: name === "answer_above" ? answer_above : abstain_below,
        "aria-label":
          name === "answer_above"
            ? "answer when the confidence is at least"
            : "abstain when the confidence is below",
        oninput: (event) => this.#route(name, Number(event.target.value)),
      }),
    );
    this.routing = h("span.cx-rule-text");
    fill(
      this.thresholds,
      h(
        "div.cx-threshold",
        h("div.cx-threshold-name", h("span", "confidence"), this.routing),
        h("div.cx-range.double", this.zones, this.mark, this.ends),
      ),
      this.rows.map((row) => row.node),
    );
    this.#draw();
  }

  #rule(rule, i) {
    const [low, high] = this.options.ranges[rule.signal] ?? [-10, 10];
    const input = h("input", {
      type: "range",
      min: low,
      max: high,
      step: (high - low) / STEPS,
      value: rule.below ?? rule.above,
      "aria-label": `${rule.signal} ${rule.below !== null ? "below" : "above"}: ${rule.gate}`,
      oninput: (event) => {
        this.policy.rules[i][rule.below !== null ? "below" : "above"] = Number(event.target.value);
        this.#moved();
      },
    });
    const text = h("span.cx-rule-text");
    const mark = h("span.cx-mark", { "aria-hidden": "true" });
    const node = h(
      "div.cx-threshold",
      h("div.cx-threshold-name", h("span", rule.signal), text),
      h("div.cx-range", h("span.cx-track", { "aria-hidden": "true" }), mark, input),
    );
    return { node, text, mark, low, high };
  }

  // The two ends of the routing push each other along, so that they never cross.
  #route(name, value) {
    this.policy[name] = value;
    if (name === "answer_above") this.policy.abstain_below = Math.min(this.policy.abstain_below, value);
    else this.policy.answer_above = Math.max(this.policy.answer_above, value);
    this.ends[0].value = this.policy.abstain_below;
    this.ends[1].value = this.policy.answer_above;
    this.#moved();
  }

  // Where this answer stands on each slider.
  #marks() {
    const { abstain_below: low, answer_above: high } = this.policy;
    const signals = this.trace?.last.values ?? {};
    const confidence = this.trace?.last.confidence.value ?? null;
    place(this.mark, confidence, 0, 1, "confidence");
    fill(
      this.routing,
      h("span.zone.abstain", `abstain < ${low}`),
      h("span.zone.answer", `answer \u2265 ${high}`),
    );
    [low, high - low, 1 - high].forEach((share, i) => (this.zones.children[i].style.flexGrow = share));
    const deciding = this.policy.rules.findIndex((rule) => holds(rule, signals[rule.signal]));
    this.policy.rules.forEach((rule, i) => {
      const { text, mark, low: from, high: to } = this.rows[i];
      place(mark, signals[rule.signal] ?? null, from, to, rule.signal);
      const now = holds(rule, signals[rule.signal]);
      fill(text, ruleText(rule), i === deciding ? h("b", "decides") : now ? h("i", "holds too") : null);
    });
  }
}

function place(mark, value, low, high, name) {
  mark.hidden = value === null;
  if (value === null) return;
  mark.style.setProperty("--at", Math.min(1, Math.max(0, (value - low) / (high - low))));
  mark.title = `this answer's ${name}: ${value}`;
}

/** The decision as colour, icon and word. */
export function badge(action, large = false) {
  return h("span", { class: `cx-badge ${action}${large ? " large" : ""}` }, icon(action), action);
}
