// One question of a run: the answer token by token, the samples and signals, and how it was graded.

import { escaped } from "../shared/events.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, iconButton, metric, muted, percent, segments, written } from "../shared/parts.js";
import { Reading } from "../shared/reading.js";
import { grade } from "./questions.js";

/** @import {Question} from "./types" */

const CLOSED =
  "This answer belongs to a run. Ask the question on the Ask page to continue it from another token.";

/** @type {[string, string, string?][]} */
const VERDICTS = [
  ["grader", "the grader's", "The grader's verdict counts"],
  ["correct", "correct"],
  ["incorrect", "incorrect"],
  ["not gradable", "not gradable"],
];

/** @extends {Part<import("./page.js").Evaluate>} */
export class QuestionView extends Part {
  /** @type {string | null} What is to be shown. */
  wanted = null;
  shown = false;
  /** @type {string | null} */
  failed = null;
  /** @type {Reading<Question>} */
  reading = new Reading(this.page.paint, this.page.config.scales, {
    tabs: ["Token", "Samples", "Signals", "Evidence"],
  });

  get trace() {
    return this.reading.trace;
  }

  /** Show a question of a run; whether it is still wanted when it has come. @param {string} run @param {string} id */
  async show(run, id) {
    const wanted = `${run} ${id}`;
    this.wanted = wanted;
    const { value, error } = await this.page.call("question", { run, question: id });
    if (this.wanted !== wanted) return false;
    Object.assign(this, { shown: true, failed: error?.message ?? null });
    this.reading.show(value ?? null, CLOSED, value?.rules);
    this.page.paint();
    return true;
  }

  /** Read again how the question that is shown was graded, and how confident the model is of it. @param {string} run @param {string} id */
  async look(run, id) {
    const { value } = await this.page.call("question", { run, question: id });
    if (!value || !this.trace || this.wanted !== `${run} ${id}`) return;
    const { confidence, source, grade, correct, by_person, grader_correct } = value;
    Object.assign(this.trace, { confidence, source, grade, correct, by_person, grader_correct });
    this.page.paint();
  }

  /** Take it away, and what is still on its way too. */
  close() {
    Object.assign(this, { wanted: null, shown: false });
  }

  /** What a person says of the answer. @param {Question} question */
  #verdict({ id, correct, by_person }) {
    const said = correct === null ? "not gradable" : correct ? "correct" : "incorrect";
    const change = async (/** @type {string} */ verdict) => {
      const run = this.page.open;
      const { error } = await this.page.call("label", { run, question: id, verdict });
      this.set({ failed: error?.message ?? null });
      if (run && run === this.page.open) this.page.relabelled(run, id);
    };
    const value = by_person ? said : "grader";
    const verdict = segments({
      name: "cx-verdict",
      legend: "Your verdict",
      options: VERDICTS,
      value,
      change,
    });
    return html`<div class="cx-row wrap">${muted("your verdict")}${verdict}</div>`;
  }

  view() {
    if (!this.shown) return nothing;
    const { trace, page, reading } = this;
    const close = () => page.unread();
    const leave = escaped(close);
    return html`<div class="cx-card cx-read" @keydown=${leave}>
        <header class="cx-head"><h2 class="cx-grow cx-read-question" tabindex="-1">${trace ? written(trace.question) : "The question cannot be shown"}</h2>
          ${iconButton("back", "Previous question", () => page.step(-1))}${iconButton("next", "Next question", () => page.step(1))}
          ${iconButton("close", "Close the question", close, { title: "Close" })}</header>
        ${alarm(this.failed)}<div class="cx-read-grade cx-row wrap cx-small">${trace && graded(trace)}${trace && !trace.error ? this.#verdict(trace) : nothing}</div>
        <div class="cx-read-heat">${reading.heat.view()}</div>
        ${reading.colours()}</div>
      <section class="cx-card" aria-label="Inspector" @keydown=${leave}>${reading.inspector.view()}</section>`;
  }
}

/** @param {Question} question */
function graded(question) {
  const { answers, confidence, source, grade: score, seconds, error } = question;
  const accepted = answers.length
    ? answers.map((answer) => html`<li>${written(answer)}</li>`)
    : html`<li>only a refusal</li>`;
  return html`${grade(question)}${muted(["confidence ", percent(confidence), confidence === null ? null : `, ${source}`])}${
    score === null ? nothing : muted(["grade ", metric(score)])
  }${seconds ? muted([metric(seconds, "s"), " s"], "cx-num") : nothing}${error ? html`<p class="cx-error">${written(error)}</p>` : nothing}
    <div class="cx-accepted cx-row">${muted("accepted: ")}<ul class="cx-row wrap">${accepted}</ul></div>`;
}
