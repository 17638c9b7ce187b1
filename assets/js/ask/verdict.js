// The decision on the answer that is looked at, and the thresholds that can be moved to see what they would do.

import { html, live, nothing } from "../shared/lit.js";
import { storyLine } from "../shared/panels.js";
import { alarm, decision, figure, written } from "../shared/parts.js";
import { latest } from "../shared/server.js";
import { holds, ruleText } from "../shared/tokens.js";
import { number } from "../shared/words.js";

/** @import {Decision, Policy, Rule, Trace} from "../shared/types" */
/** @import {Answer} from "../shared/server.js" */
/** @import {Active} from "./types" */

const STEPS = 200; // of a slider, over its signal's natural scale

export class Verdict {
  /** @type {Trace | null} */
  trace = null;
  /** @type {Decision | null} The decision under the policy that is shown. */
  now = null;
  /** @type {string | null} */
  failed = null;
  wide = window.innerWidth >= 1000;

  /** @param {() => void} paint @param {Active} active @param {{redecide: (trace: string, policy: Policy) => Promise<Answer<Decision>>, moved: (policy: Policy) => void}} options */
  constructor(paint, active, options) {
    this.paint = paint;
    this.active = active;
    this.options = options;
    this.policy = structuredClone(active.policy);
  }

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
    if (!same && !moved) this.#move(structuredClone(active.policy));
  }

  /** Show a trace's decision; under moved thresholds, the one that they would make. @param {Trace | null} trace */
  show(trace) {
    const other = trace?.id !== this.trace?.id;
    Object.assign(this, { trace, now: trace?.last.decision ?? null });
    if (other && trace && (this.changed || trace.policy !== this.active.version)) this.#ask();
  }

  /** @param {Policy} policy */
  #move(policy) {
    this.policy = policy;
    this.options.moved(policy);
    this.paint();
    this.#ask();
  }

  // Always the last: while one question to the server is under way, only the newest policy waits.
  #ask = latest(async () => {
    const { trace, policy } = this;
    if (!trace) return;
    const { value, error } = await this.options.redecide(trace.id, policy);
    if (this.#ask.outdated() || trace !== this.trace) return;
    this.failed = error?.message ?? null;
    if (value) this.now = value;
    this.paint();
  });

  view() {
    const { trace, now } = this;
    const value = trace?.last.confidence.value ?? null;
    const calibrated = trace?.last.confidence.calibrated === null ? ", not calibrated" : "";
    const said = now && `Decision: ${now.action}. ${now.reason}. Confidence ${number(value)}${calibrated}.`;
    return html`<div class="cx-decision">${
      trace && now
        ? this.#decision(trace, now)
        : html`<p class="cx-hint">The decision on the answer will stand here.</p>`
    }</div><p class="cx-sr" aria-live="polite">${said}</p>
      <details class="cx-tune" ?open=${this.wide}><summary>Thresholds</summary><div class="cx-thresholds">${this.#routing()}${this.#rules()}</div>
        <p class="cx-muted cx-moved" ?hidden=${!this.changed}><span>Moved thresholds hold on this page, for the next questions too.</span><button
          type="button" class="cx-link" @click=${() => this.#move(structuredClone(this.active.policy))}>Reset</button></p></details>
      ${alarm(this.failed)}`;
  }

  /** @param {Trace} trace @param {Decision} now */
  #decision(trace, now) {
    const { confidence, decision: recorded } = trace.last;
    const calibrated = confidence.calibrated !== null;
    // It is about answers as they were first given, which the gate lets pass.
    const guaranteed = calibrated && recorded.gate === "proceed" && !this.changed && this.active.guarantee;
    return html`<div class="cx-decision-head">${decision(now.action, true)}<div class="cx-confidence"><span class="cx-confidence-value">${figure(
      confidence.value,
    )}</span><span class="cx-muted">confidence, ${calibrated ? "" : "not "}calibrated</span></div></div>
      <p class="cx-reason">${written(now.reason)}</p>${storyLine(trace)}
      ${guaranteed ? html`<p class="cx-muted cx-guarantee">${guaranteed}</p>` : nothing}
      ${
        now.action === recorded.action
          ? nothing
          : html`<p class="cx-muted cx-recorded">Recorded when it was asked: ${decision(recorded.action)}</p>`
      }`;
  }

  // The two ends of the routing push each other along, so that they never cross.
  #routing() {
    const { abstain_below: low, answer_above: high } = this.policy;
    const confidence = this.trace?.last.confidence.value ?? null;
    const end = (/** @type {"answer_above" | "abstain_below"} */ name, /** @type {string} */ label) => {
      const move = (/** @type {number} */ value) =>
        this.#move(
          name === "answer_above"
            ? { ...this.policy, answer_above: value, abstain_below: Math.min(low, value) }
            : { ...this.policy, abstain_below: value, answer_above: Math.max(high, value) },
        );
      return range({ low: 0, high: 1, step: 0.01, value: this.policy[name], label, move });
    };
    return html`<div class="cx-threshold"><div class="cx-threshold-name"><span>confidence</span><span class="cx-rule-text"><span
        class="zone abstain">abstain &lt; ${low}</span><span class="zone answer">answer ≥ ${high}</span></span></div>
      <div class="cx-range double"><span class="cx-zones" aria-hidden="true">${[
        low,
        high - low,
        1 - high,
      ].map(
        (share) => html`<i style="flex-grow:${share}"></i>`,
      )}</span>${mark(confidence, 0, 1, "confidence")}${end("abstain_below", "abstain when the confidence is below")}${end(
        "answer_above",
        "answer when the confidence is at least",
      )}</div></div>`;
  }

  #rules() {
    const { rules } = this.policy;
    const values = this.trace?.last.values ?? {};
    const deciding = rules.findIndex((rule) => holds(rule, values[rule.signal]));
    return rules.map((rule, i) => {
      const value = values[rule.signal] ?? null;
      const [low, high] = this.active.ranges[rule.signal] ?? [-10, 10];
      const side = rule.below !== null ? "below" : "above";
      const move = (/** @type {number} */ now) =>
        this.#move({
          ...this.policy,
          rules: rules.map((/** @type {Rule} */ old, at) => (at === i ? { ...old, [side]: now } : old)),
        });
      const slider = {
        low,
        high,
        step: (high - low) / STEPS,
        value: rule[side] ?? low,
        label: `${rule.signal} ${side}: ${rule.gate}`,
        move,
      };
      const how =
        i === deciding ? html`<b>decides</b>` : holds(rule, value) ? html`<i>holds too</i>` : nothing;
      return html`<div class="cx-threshold"><div class="cx-threshold-name"><span>${rule.signal}</span><span class="cx-rule-text">${ruleText(rule, number)}${how}</span></div>
        <div class="cx-range"><span class="cx-track" aria-hidden="true"></span>${mark(value, low, high, rule.signal)}${range(slider)}</div></div>`;
    });
  }
}

/** @param {{low: number, high: number, step: number, value: number, label: string, move: (value: number) => void}} slider */
function range({ low, high, step, value, label, move }) {
  const slide = (/** @type {Event} */ event) =>
    move(Number(/** @type {HTMLInputElement} */ (event.target).value));
  return html`<input type="range" min=${low} max=${high} step=${step} .value=${live(String(value))} aria-label=${label} @input=${slide}>`;
}

/** Where this answer stands on a slider. @param {number | null} value @param {number} low @param {number} high @param {string} name */
function mark(value, low, high, name) {
  if (value === null) return nothing;
  const at = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return html`<span class="cx-mark" aria-hidden="true" style="--at:${at}" title="this answer's ${name}: ${value}"></span>`;
}
