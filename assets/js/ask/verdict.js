// The decision on the answer that is looked at, and the thresholds that can be moved to see what they would do.

import { textOf } from "../shared/events.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { storyLine } from "../shared/panels.js";
import { alarm, decision, hint, muted, percent, written } from "../shared/parts.js";
import { latest } from "../shared/server.js";
import { holds, ruleText, withRule, withThreshold } from "../shared/tokens.js";
import { actionWords, chosen, number, share } from "../shared/words.js";

/** @import {Decision, Policy, Trace} from "../shared/types" */
/** @import {Active} from "./types" */

const STEPS = 200; // of a slider, over its signal's natural scale

/** @extends {Part<import("./page.js").Ask>} */
export class Verdict extends Part {
  /** @type {Trace | null} */
  trace = null;
  /** @type {Decision | null} The decision under the policy that is shown. */
  now = null;
  /** @type {string | null} */
  failed = null;
  wide = window.innerWidth >= 1000;
  /** @type {Active} */
  active = this.page.config.active;
  policy = structuredClone(this.active.policy);

  /** Whether a threshold was moved. */
  get changed() {
    return JSON.stringify(this.policy) !== JSON.stringify(this.active.policy);
  }

  /** The policy that a question is asked with; null for the service's own. */
  get wanted() {
    return this.changed ? this.policy : null;
  }

  /** Take the service's policy, unless thresholds were moved here. @param {Active} active */
  activate(active) {
    const moved = this.changed;
    const same = active.version === this.active.version && active.guarantee === this.active.guarantee;
    // Its own policy stays where nothing else has changed: a moved slider is compared with it.
    this.active = same ? { ...active, policy: this.active.policy } : active;
    if (!same && !moved) this.#reset();
  }

  /** Show a trace's decision; under moved thresholds, the one that they would make. @param {Trace | null} trace */
  show(trace) {
    const other = trace?.id !== this.trace?.id;
    Object.assign(this, { trace, now: trace?.last.decision ?? null });
    if (other) dispatchEvent(new CustomEvent("codex-answer", { detail: trace?.last.basis ?? null }));
    if (other && trace && (this.changed || trace.policy !== this.active.version)) this.#ask();
  }

  #reset = () => this.#move(structuredClone(this.active.policy));

  /** @param {Policy} policy */
  #move(policy) {
    this.policy = policy;
    this.page.inspector.rules = policy.rules;
    this.page.paint();
    this.#ask();
  }

  // Always the last: while one question to the server is under way, only the newest policy waits.
  #ask = latest(async () => {
    const { trace, policy } = this;
    if (!trace) return;
    const { value, error } = await this.page.call("redecide", { trace: trace.id, policy });
    if (this.#ask.outdated() || trace !== this.trace) return;
    this.set({ failed: error?.message ?? null, now: value ?? this.now });
  });

  view() {
    const { trace, now } = this;
    const last = trace?.last;
    const how = last ? `${share(last.confidence.value)}, ${last.basis}` : "n/a";
    const why = [last?.plain, now?.reason].filter(Boolean).join("; ");
    const said = now && `Decision: ${actionWords(now.action)}. ${why}. Confidence ${how}.`;
    return html`<div class="cx-column">${trace && now ? this.#decision(trace, now) : hint("The decision on the answer appears here.")}</div><p
        class="cx-sr" aria-live="polite">${said}</p>
      <details class="cx-tune" ?open=${this.wide}><summary class="cx-row between">Thresholds</summary>${this.#routing()}${this.#larger()}${this.#rules()}
        <p class="cx-hint cx-row between" ?hidden=${!this.changed}><span>Moved thresholds also apply to your next questions on this page.</span><button
          type="button" class="cx-link" @click=${this.#reset}>Reset</button></p></details>${alarm(this.failed)}`;
  }

  /** @param {Trace} trace @param {Decision} now */
  #decision(trace, now) {
    const { confidence, decision: recorded, basis } = trace.last;
    const calibrated = confidence.calibrated !== null;
    // It is about answers as they were first given, which the gate lets pass.
    const guaranteed = calibrated && recorded.gate === "proceed" && !this.changed && this.active.guarantee;
    const other = html`<p class="cx-muted cx-row">Decided when it was asked: ${decision(recorded.action)}</p>`;
    const words = muted(["confidence, ", written(basis)], "cx-tiny");
    const whose = trace.person ? html`<p class="cx-muted">Of the model's own answer:</p>` : nothing;
    return html`${whose}<div class="cx-row between">${decision(now.action, true)}<div class="cx-confidence"><span class="cx-large">${percent(confidence.value)}</span>${words}</div></div>
      <p class="cx-reason"><span class="cx-plain">${written(trace.last.plain)}</span>; ${written(now.reason)}</p>${storyLine(trace)}
      ${guaranteed ? html`<p class="cx-muted">${guaranteed}</p>` : nothing}${now.action === recorded.action ? nothing : other}`;
  }

  /** The last step of the first model: rules and thresholds are about its answer. */
  get #first() {
    return this.trace?.steps.findLast(({ larger }) => !larger);
  }

  // Where the policy asks no larger model, none of it is said here: the Tune page shows what it would bring.
  #larger() {
    const { policy, trace } = this;
    const { larger_above: from } = policy;
    if (from === null || from === undefined) return nothing;
    const confidence = trace?.last.larger ? trace.last.confidence.value : null;
    const move = (/** @type {number} */ value) => this.#move({ ...policy, larger_above: value });
    return html`<div class="cx-threshold"><div class="cx-row between"><span title="larger_above">Confidence of the larger model</span><span class="cx-rule-text">answer ≥ ${chosen(from)}</span></div>
      <div class="cx-range"><span class="cx-track" aria-hidden="true"></span>${mark(confidence, 0, 1, "Confidence of the larger model")}${range([0, 1, 0.01], from, "answer when the confidence of the larger model is at least", move)}</div></div>`;
  }

  #routing() {
    const { policy } = this;
    const { abstain_below: low, answer_above: high } = policy;
    const confidence = this.#first?.confidence.value ?? null;
    const zones = [low, high - low, 1 - high].map((share) => html`<i style="flex-grow:${share}"></i>`);
    const end = (/** @type {"answer_above" | "abstain_below"} */ name, /** @type {string} */ label) =>
      range([0, 1, 0.01], policy[name], label, (value) => this.#move(withThreshold(policy, name, value)));
    return html`<div class="cx-threshold"><div class="cx-row between"><span>Confidence</span><span class="cx-rule-text"><span
        class="zone abstain" title="abstain_below">abstain &lt; ${chosen(low)}</span><span class="zone answer" title="answer_above">answer ≥ ${chosen(high)}</span></span></div>
      <div class="cx-range double"><span class="cx-zones" aria-hidden="true">${zones}</span>${mark(confidence, 0, 1, "Confidence")}${end("abstain_below", "abstain when the confidence is below")}${end("answer_above", "answer when the confidence is at least")}</div></div>`;
  }

  #rules() {
    const { policy, active } = this;
    const values = this.#first?.values ?? {};
    const deciding = policy.rules.findIndex((rule) => holds(rule, values[rule.signal]));
    return policy.rules.map((rule, i) => {
      const { signal } = rule;
      const value = values[signal] ?? null;
      const [low, high] = active.ranges[signal] ?? [-10, 10];
      const move = (/** @type {number} */ now) =>
        this.#move({ ...policy, rules: withRule(policy.rules, i, now) });
      const label = active.names[signal] ?? signal;
      const name = `${label} ${rule.below !== null ? "below" : "above"}: ${rule.gate}`;
      const slider = range([low, high, (high - low) / STEPS], rule.below ?? rule.above ?? low, name, move);
      const how =
        i === deciding ? html`<b>decides</b>` : holds(rule, value) ? html`<i>holds too</i>` : nothing;
      return html`<div class="cx-threshold"><div class="cx-row between"><span title=${signal}>${label}</span><span class="cx-rule-text">${ruleText(rule, number)}${how}</span></div>
        <div class="cx-range"><span class="cx-track" aria-hidden="true"></span>${mark(value, low, high, label)}${slider}</div></div>`;
    });
  }
}

/** @param {[low: number, high: number, step: number]} scale @param {number} value @param {string} label @param {(value: number) => void} move */
function range([low, high, step], value, label, move) {
  return html`<input type="range" min=${low} max=${high} step=${step} .value=${live(String(value))} aria-label=${label}
    @input=${(/** @type {Event} */ event) => move(Number(textOf(event)))}>`;
}

/** Where this answer stands on a slider. @param {number | null} value @param {number} low @param {number} high @param {string} name */
function mark(value, low, high, name) {
  if (value === null) return nothing;
  const at = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return html`<span class="cx-mark" aria-hidden="true" style="--at:${at}" title="${name}, of this answer: ${value}"></span>`;
}
