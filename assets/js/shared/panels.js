// What the inspector shows beside single tokens and evidence: samples, signals, steps and details of a trace.

import { place } from "./address.js";
import { html, nothing } from "./lit.js";
import {
  badge,
  bar,
  facts,
  hint,
  icon,
  marked,
  metric,
  muted,
  percent,
  reveal,
  told,
  unseen,
  written,
} from "./parts.js";
import { holds, ruleText } from "./tokens.js";
import { actionWords, counted, number } from "./words.js";

/** @import {Rule, Samples, SignalRow, Trace} from "./types" */

/** What the model says when it is asked again, grouped by meaning. @param {Trace} trace */
export function samplesPanel(trace) {
  const { groups, total, compared, likely } = trace.last.samples;
  if (!total) return hint("This answer was given without samples.");
  const kinds = groups.length === 1 ? "all say the same" : `${groups.length} different answers`;
  // No white space between the parts: what is said of the samples is one text.
  return html`${likely ? html`<p class="cx-strong">${reveal(likely)}</p>` : nothing}<p class="cx-muted">Asked ${total} more times: ${kinds}, compared ${compared}. <span>Words that the answer lacks are </span><mark>marked</mark>.</p><ol
    class="cx-groups cx-list">${groups.map((group, i) => groupItem(group, total, i === 0))}</ol>`;
}

/** @param {Samples["groups"][number]} group @param {number} total @param {boolean} open */
function groupItem({ text, answer, inside, members }, total, open) {
  const own = answer ? html`<span class="cx-tag">the answer</span>` : nothing;
  const within = inside ? html`<span class="cx-tag cx-inside">${icon("answer")}in the set</span>` : nothing;
  return html`<li><details ?open=${open}><summary class="cx-column"><span class="cx-row cx-strong"><bdi class="cx-clamp" title=${text}>${reveal(text)}</bdi>${own}${within}</span><span
    class="cx-group-bar">${bar(members.length / total, answer ? "accent" : "")}<span class="cx-num">${members.length} of ${total}</span></span></summary><ul
    class="cx-quote">${members.map(({ parts }) => html`<li><bdi>${marked(parts)}</bdi></li>`)}</ul></details></li>`;
}

/** Every signal, over the whole answer and over its focus, with the rules that look at it. @param {Trace} trace @param {Rule[]} rules */
export function signalsPanel(trace, rules) {
  const heads = html`<div class="cx-pair cx-tiny cx-muted"><span>whole answer</span><span>focus</span></div>`;
  return trace.last.signals.map(
    ({ title, rows }) => html`<section class="cx-signals"><h3>${title}</h3>
      ${rows.some(({ forms }) => forms.length > 1) ? heads : nothing}${rows.map((row) => signalItem(row, rules))}</section>`,
  );
}

/** @param {SignalRow} row @param {Rule[]} rules */
function signalItem(row, rules) {
  const forms = row.forms.map((form) => signalForm(form, row, rules));
  return html`<div class="cx-signal"><div class="cx-row between"><span class="cx-name">${row.label}</span>${muted(row.unit, "cx-tiny")}</div>
    ${hint(row.meaning)}<div class=${forms.length > 1 ? "cx-pair" : ""}>${forms}</div></div>`;
}

/** @param {SignalRow["forms"][number]} form @param {SignalRow} row @param {Rule[]} every */
function signalForm({ name, title, value }, row, every) {
  const [low, high] = row.scale;
  const left = (/** @type {number} */ at) =>
    `left:${(100 * Math.min(1, Math.max(0, (at - low) / (high - low)))).toFixed(1)}%`;
  const rules = every.filter(({ signal }) => signal === name);
  const ticks = rules.map(
    (rule) => html`<span class="cx-scale-rule" style=${left(rule.below ?? rule.above ?? low)}></span>`,
  );
  const texts = rules.map(
    (rule) =>
      html`<span class="cx-rule-text">${ruleText(rule, number)}${holds(rule, value) ? html`<b>holds</b>` : nothing}</span>`,
  );
  const dot = value === null ? nothing : html`<span class="cx-scale-value" style=${left(value)}></span>`;
  return html`<div class="cx-form">${row.forms.length > 1 ? unseen(title) : nothing}${metric(value, row.unit)}
    <span class="cx-scale" aria-hidden="true">${dot}${ticks}</span>${texts}</div>`;
}

/** Everything that is needed to ask the same again. @param {Trace} trace */
export function detailsPanel({ id, details, last }) {
  const trace = html`<a class="cx-link cx-mono" href=${place(`traces/${id}`)} target="_blank" rel="noopener">${id}</a>`;
  const lines = details.map(([name, value]) => /** @type {[string, unknown]} */ ([name, told(value)]));
  return html`${facts([...lines, ["trace", trace]], "pairs")}<h3>The exact prompt</h3>${prompt(last, "The exact prompt")}`;
}

/** @param {{prompt: string | null, prompt_sha256: string}} step @param {string} name */
function prompt(step, name) {
  if (step.prompt === null) return hint(`Not saved. Its SHA-256 is ${step.prompt_sha256}.`);
  return html`<pre tabindex="0" aria-label=${name}>${reveal(step.prompt)}</pre>`;
}

/** @type {Record<string, string>} */
const DONE = {
  ask: "Asked the model",
  retrieve: "Asked the model with passages",
  reflect: "Asked it to check its answer",
  branch: "Continued from another token",
  larger: "Asked the larger model",
};

/** What was said in the place of the model's answer: a person's, or that it is withheld. @param {Pick<Trace, "person" | "answer" | "last">} trace */
export function instead({ person, answer, last }) {
  if (person)
    return html`<div class="cx-person"><p>${badge("person", "defer", person.by)}</p><p class="cx-answer">${written(person.answer)}</p>
    ${person.source ? html`<p class="cx-muted">${written(person.source)}</p>` : nothing}</div><p class="cx-muted cx-small">The model's own answer:</p>`;
  if (answer === last.text) return nothing;
  return html`<p class="cx-withheld"><b>Withheld. Codex says:</b>${written(answer)}</p>`;
}

/** What a reasoning model wrote before its answer, folded. @param {{reasoning: string | null}} step */
export function reasoning({ reasoning: text }) {
  if (!text) return nothing;
  return html`<details class="cx-reasoning"><summary class="cx-muted">Reasoning</summary><pre tabindex="0" aria-label="Reasoning">${reveal(text)}</pre></details>`;
}

/** What was done with a question in one line; nothing when the model was simply asked. @param {Trace} trace */
export function storyLine({ story }) {
  if (!story.length) return nothing;
  const then = html`<span class="cx-then" aria-hidden="true"> \u2192 </span>${unseen(", then ")}`;
  return html`<p class="cx-story">${story.map((part, i) => html`${i ? then : nothing}<span>${part}</span>`)}</p>`;
}

/** The story of the loop: each step can be opened. @param {Trace} trace */
export function stepsPanel(trace) {
  const { first_answer: first, last, steps, answer } = trace;
  /** @type {[string, unknown][]} */
  const both = [
    ["first", written(first ?? "")],
    ["then", written(last.text)],
  ];
  const instead = html`<li><b>Returned to the user</b><blockquote>${written(answer)}</blockquote></li>`;
  return html`${storyLine(trace)}${first === null ? nothing : facts(both, "pairs cx-changed")}<ol class="cx-list cx-steps">${steps.map(
    (step, i) => stepItem(step, i === steps.length - 1),
  )}${answer === last.text ? nothing : instead}</ol>`;
}

/** @param {Trace["steps"][number]} step @param {boolean} open */
function stepItem(step, open) {
  const { passages, samples, confidence, decision, basis } = step;
  const values = Object.entries(step.values).flatMap(([name, value]) =>
    value === null ? [] : [/** @type {[string, unknown]} */ ([name, metric(value)])],
  );
  const names = [...new Set(passages)].map((name, i) => [i ? ", " : null, written(name)]);
  const seen = html`<p>Saw ${counted(passages.length, "passage")} of ${names}${step.support ? `: ${step.support}.` : "."}</p>`;
  const drawn = samples.total ? `${counted(samples.total, "sample")}, ${samples.distinct} different. ` : "";
  const by = step.larger
    ? html`<p class="cx-muted">${written(step.larger.model)}${step.larger.calibrator ? `, its confidence by ${step.larger.calibrator}` : ", not calibrated"}</p>`
    : nothing;
  return html`<li><details ?open=${open}><summary class="cx-row between"><b>${DONE[step.kind]}</b>${muted(`${number(step.seconds)} s`)}</summary>${by}${reasoning(step)}<blockquote>${written(step.text)}</blockquote>${passages.length ? seen : nothing}
    <p>${drawn}Confidence ${percent(confidence.value)}${confidence.calibrated === null ? [", ", written(basis)] : nothing}.</p>
    <p>Gate <b>${decision.gate}</b>, decision <b>${actionWords(decision.action)}</b>: ${written(decision.reason)}</p>
    <details class="cx-inner"><summary>Signals</summary>${facts(values, "pairs numbers")}</details>
    <details class="cx-inner"><summary>Prompt</summary>${prompt(step, "The prompt of this step")}</details></details></li>`;
}
