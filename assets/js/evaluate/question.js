// One question of a run: the answer token by token, the samples and signals, and how it was graded.

import { Heatmap, legend } from "../shared/heatmap.js";
import { Inspector } from "../shared/inspector.js";
import { html, nothing } from "../shared/lit.js";
import { alarm, iconButton, measured, segments, written } from "../shared/parts.js";
import { verdict } from "./questions.js";

/** @import {Question} from "./types" */
/** @import {Pointed, Scale} from "../shared/types" */
/** @import {How} from "../shared/heatmap.js" */

const CLOSED =
  "This answer belongs to a run. Ask the question on the Ask page to continue it from another token.";

export class QuestionView {
  /** @type {string | null} What is to be shown. */
  wanted = null;
  shown = false;
  /** @type {Question | null} */
  trace = null;
  /** @type {string | null} */
  failed = null;
  /** @type {Pointed | null} */
  picked = null;
  scale = "probability";

  /**
   * @param {import("../shared/page.js").Page} page @param {Record<string, Scale>} scales
   * @param {{close: () => void, step: (by: number) => void}} options
   */
  constructor(page, scales, options) {
    this.page = page;
    this.scales = scales;
    this.options = options;
    this.heat = new Heatmap({
      label: "Answer, token by token",
      point: (index, how) => this.#point(index, how),
      sentence: (index, how) => this.#sentence(index, how),
      leave: () => {
        if (this.picked) this.inspector.point(this.picked);
        page.paint();
      },
    });
    this.inspector = new Inspector(
      page.paint,
      {
        onbranch: () => {},
        onback: ({ position }) => this.heat.focusToken(position),
        onsentence: (index) => this.#sentence(index, "pick"),
        onleave: (index) => this.heat.focusSentence(index),
        onlookup: () => {},
      },
      ["Token", "Samples", "Signals", "Evidence"],
    );
  }

  /** Show a question of a run; whether it is still wanted when it has come. @param {string} run @param {string} id */
  async show(run, id) {
    const wanted = `${run} ${id}`;
    this.wanted = wanted;
    const { value, error } = await this.page.call("question", { run, question: id });
    if (this.wanted !== wanted) return false;
    Object.assign(this, { shown: true, trace: value ?? null, failed: error?.message ?? null, picked: null });
    this.inspector.show(this.trace, CLOSED);
    this.inspector.rules = value?.rules ?? [];
    if (!value?.last.evidence.passages.length && this.inspector.tab === "Evidence")
      this.inspector.open("Token");
    this.#draw();
    const weakest = value?.weakest ?? null;
    this.heat.select(weakest);
    this.heat.told = null;
    if (weakest !== null) {
      this.picked = this.#pointed(weakest);
      this.inspector.point(this.picked);
    }
    this.page.paint();
    return true;
  }

  /** Read anew how the question that is shown was graded, and how sure of it the model is. @param {string} run @param {string} id */
  async look(run, id) {
    const { value } = await this.page.call("question", { run, question: id });
    if (!value || this.wanted !== `${run} ${id}`) return;
    if (this.trace)
      Object.assign(this.trace, { confidence: value.confidence, source: value.source, grade: value.grade });
    this.page.paint();
  }

  /** Take it away, and what is still on its way too. */
  close() {
    Object.assign(this, { wanted: null, shown: false });
  }

  #draw() {
    const { trace } = this;
    const view = { scale: this.scales[this.scale], words: false, focus: false };
    if (trace)
      this.heat.draw(trace.last.tokens, trace.last, trace.last.focus, view, trace.last.evidence.sentences);
    else this.heat.draw([], null, null, view);
  }

  /** @param {number} index @param {How} how */
  #point(index, how) {
    const pointed = this.#pointed(index);
    this.inspector.point(pointed, how !== "hover");
    if (how !== "hover") {
      this.picked = pointed;
      this.heat.select(index);
    }
    this.page.paint();
    if (how === "open") this.inspector.focusAlternatives();
  }

  /** @param {number | null} index @param {How} how */
  #sentence(index, how) {
    this.heat.told = index;
    this.inspector.tell(index, how !== "hover");
    this.page.paint();
    if (how === "open") this.inspector.focusSentence(index);
  }

  /** @param {number} position @returns {Pointed} */
  #pointed(position) {
    return { ...this.heat.pointed(position), heat: this.heat, trace: this.trace };
  }

  view() {
    if (!this.shown) return nothing;
    const { trace, options } = this;
    const colour = (/** @type {string} */ name) => {
      this.scale = name;
      this.#draw();
      this.page.paint();
    };
    const leave = (/** @type {KeyboardEvent} */ event) =>
      event.key === "Escape" && !event.defaultPrevented && options.close();
    return html`<div class="cx-lab-card cx-eval-answer" @keydown=${leave}>
        <header class="cx-lab-head"><h2 class="cx-eval-question" tabindex="-1">${trace ? written(trace.question) : "The question cannot be shown"}</h2>
          ${iconButton("back", "Question before", () => options.step(-1))}${iconButton("next", "Next question", () => options.step(1))}
          ${iconButton("close", "Close the question", options.close, { title: "Close" })}</header>
        ${alarm(this.failed)}
        <div class="cx-eval-grade">${trace && graded(trace)}</div>
        <div class="cx-eval-heat">${this.heat.view()}</div>
        <div class="cx-eval-colours">${segments({
          name: "cx-colour",
          legend: "Colour by",
          options: Object.keys(this.scales).map((name) => [name, name]),
          value: this.scale,
          change: colour,
        })}<div>${legend(this.scales[this.scale])}</div></div></div>
      <section class="cx-inspector" aria-label="Inspector" @keydown=${leave}>${this.inspector.view()}</section>`;
  }
}

/** @param {Question} question */
function graded(question) {
  const { answers, confidence, source, grade, seconds, error } = question;
  const muted = (/** @type {unknown} */ words, kind = "") =>
    html`<span class="cx-muted ${kind}">${words}</span>`;
  return html`${verdict(question)}${muted(["confidence ", measured(confidence), confidence === null ? null : `, ${source}`])}${
    grade === null ? nothing : muted(["grade ", measured(grade)])
  }${seconds ? muted(`${seconds.toFixed(2)} s`, "cx-num") : nothing}${error ? html`<p class="cx-error">${written(error)}</p>` : nothing}
    <div class="cx-eval-accepted"><span class="cx-muted">accepted: </span><ul>${
      answers.length
        ? answers.map((answer) => html`<li>${written(answer)}</li>`)
        : html`<li>only a refusal</li>`
    }</ul></div>`;
}
