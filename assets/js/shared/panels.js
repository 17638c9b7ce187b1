// What the inspector shows beside single tokens and evidence: samples, signals, steps and details of a trace.

import { place } from "./address.js";
import { html, nothing } from "./lit.js";
import { bar, figure, icon, marked, reveal, unseen, written } from "./parts.js";
import { holds, ruleText } from "./tokens.js";
import { number } from "./words.js";

/** @import {Rule, Samples, SignalRow, Trace} from "./types" */

/** What the model says when it is asked again, grouped by meaning. @param {Trace} trace */
export function samplesPanel(trace) {
  const { groups, total, compared, likely } = trace.last.samples;
  if (!total) return html`<p class="cx-hint">This answer was given without samples.</p>`;
  const kinds = groups.length === 1 ? "all say the same" : `${groups.length} different answers`;
  // No white space between the parts: what is said of the samples is one text.
  return html`${likely ? html`<p class="cx-likely">${reveal(likely)}</p>` : nothing}<p class="cx-muted">Asked ${total} more times: ${kinds}, compared ${compared}. <span>Words that the answer does not have are </span><mark>marked</mark>.</p><ol
    class="cx-groups">${groups.map((group, i) => groupItem(group, total, i === 0))}</ol>`;
}

/** @param {Samples["groups"][number]} group @param {number} total @param {boolean} open */
function groupItem({ text, answer, inside, members }, total, open) {
  const tags = html`${answer ? html`<span class="cx-tag">the answer</span>` : nothing}${
    inside ? html`<span class="cx-tag cx-inside">${icon("answer")}in the set</span>` : nothing
  }`;
  const share = html`${bar(members.length / total, answer ? "accent" : "")}<span class="cx-num">${members.length} of ${total}</span>`;
  return html`<li><details ?open=${open}><summary><span class="cx-group-name"><bdi title=${text}>${reveal(text)}</bdi>${tags}</span><span
    class="cx-group-bar">${share}</span></summary><ul>${members.map(({ parts }) => html`<li><bdi>${marked(parts)}</bdi></li>`)}</ul></details></li>`;
}

/** Every signal, over the whole answer and over its focus, with the rules that look at it. @param {Trace} trace @param {Rule[]} rules */
export function signalsPanel(trace, rules) {
  return trace.last.signals.map(
    ({ title, rows }) => html`<section class="cx-signals"><h3>${title}</h3>
      ${rows.some(({ forms }) => forms.length > 1) ? html`<div class="cx-columns cx-muted"><span>whole answer</span><span>focus</span></div>` : nothing}
      ${rows.map(
        (
          row,
        ) => html`<div class="cx-signal"><div class="cx-signal-name"><span>${row.label}</span><span class="cx-muted">${row.unit}</span></div>
          <p class="cx-muted">${row.meaning}</p>
          <div class="cx-signal-values ${row.forms.length === 1 ? "single" : ""}">${row.forms.map((form) => signalForm(form, row, rules))}</div></div>`,
      )}</section>`,
  );
}

/** @param {SignalRow["forms"][number]} form @param {SignalRow} row @param {Rule[]} every */
function signalForm({ name, title, value }, row, every) {
  const [low, high] = row.scale;
  const left = (/** @type {number} */ at) =>
    `left:${(100 * Math.min(1, Math.max(0, (at - low) / (high - low)))).toFixed(1)}%`;
  const rules = every.filter(({ signal }) => signal === name);
  return html`<div class="cx-form">${row.forms.length > 1 ? unseen(title) : nothing}${figure(value, row.unit)}
    <span class="cx-scale ${row.falling ? "falling" : ""}" aria-hidden="true">${
      value === null ? nothing : html`<span class="cx-scale-value" style=${left(value)}></span>`
    }${rules.map((rule) => html`<span class="cx-scale-rule" style=${left(rule.below ?? rule.above ?? low)}></span>`)}</span>
    ${rules.map((rule) => html`<span class="cx-rule-text">${ruleText(rule, number)}${holds(rule, value) ? html`<b>holds</b>` : nothing}</span>`)}</div>`;
}

/** Everything that is needed to ask the same again. @param {Trace} trace */
export function detailsPanel({ id, details, last }) {
  return html`<dl class="cx-details">${details.map(([name, value]) => html`<dt>${name}</dt><dd>${written(value)}</dd>`)}
      <dt>trace</dt><dd><a href=${place(`traces/${id}`)} target="_blank" rel="noopener">${id}</a></dd></dl>
    <h3>The exact prompt</h3>${prompt(last, "The exact prompt")}`;
}

/** @param {{prompt: string | null, prompt_sha256: string}} step @param {string} name */
function prompt(step, name) {
  if (step.prompt === null)
    return html`<p class="cx-hint">Not kept. Its SHA-256 is ${step.prompt_sha256}.</p>`;
  return html`<pre tabindex="0" aria-label=${name}>${reveal(step.prompt)}</pre>`;
}

/** @type {Record<string, string>} */
const DONE = {
  ask: "Asked the model",
  retrieve: "Asked the model with passages",
  reflect: "Asked it to check its answer",
  branch: "Continued from another token",
};

/** What was done with a question in one line; nothing when the model was simply asked. @param {Trace} trace */
export function storyLine({ story }) {
  if (!story.length) return nothing;
  const then = html`<span class="cx-then" aria-hidden="true"> \u2192 </span>${unseen(", then ")}`;
  return html`<p class="cx-story">${story.map((part, i) => html`${i ? then : nothing}<span>${part}</span>`)}</p>`;
}

/** The story of the loop: each step can be opened. @param {Trace} trace */
export function stepsPanel(trace) {
  const { first_answer: first, last, steps, answer } = trace;
  return html`${storyLine(trace)}
    ${first === null ? nothing : html`<dl class="cx-changed"><dt>first</dt><dd>${written(first)}</dd><dt>then</dt><dd>${written(last.text)}</dd></dl>`}
    <ol class="cx-steps">${steps.map((step, i) => stepItem(step, i === steps.length - 1))}${
      answer === last.text
        ? nothing
        : html`<li><b>Said to the user</b><blockquote>${written(answer)}</blockquote></li>`
    }</ol>`;
}

/** @param {Trace["steps"][number]} step @param {boolean} open */
function stepItem(step, open) {
  const { passages, samples, confidence, decision } = step;
  const values = Object.entries(step.values).filter(([, value]) => value !== null);
  const names = [...new Set(passages)].map((name, i) => [i ? ", " : null, written(name)]);
  return html`<li><details ?open=${open}><summary><b>${DONE[step.kind]}</b><span class="cx-muted">${number(step.seconds)} s</span></summary><blockquote>${written(step.text)}</blockquote>${
    passages.length
      ? html`<p>Saw ${passages.length} ${passages.length === 1 ? "passage" : "passages"} of ${names}${step.support ? `: ${step.support}.` : "."}</p>`
      : nothing
  }
    <p>${samples.total ? `${samples.total} samples, ${samples.distinct} different. ` : ""}Confidence ${figure(confidence.value)}${
      confidence.calibrated === null ? ", not calibrated." : "."
    }</p>
    <p>Gate <b>${decision.gate}</b>, decision <b>${decision.action}</b>: ${written(decision.reason)}</p>
    <details class="cx-inner"><summary>Signals</summary><dl class="cx-values">${values.map(([name, value]) => html`<dt>${name}</dt><dd>${figure(value)}</dd>`)}</dl></details>
    <details class="cx-inner"><summary>Prompt</summary>${prompt(step, "The prompt of this step")}</details></details></li>`;
}
