// The question box, its settings, and the state of the work under way.

import { place } from "../shared/address.js";
import { html, nothing } from "../shared/lit.js";
import { button, icon, segmentsAlone } from "../shared/parts.js";

/** @import {Config} from "./types" */
/** @typedef {{message: string, fields: string[]}} Failure */
/** @typedef {{ask: (wanted: Record<string, unknown> & {question: string}) => void, cancel: () => void, drawer: () => void}} Options */

const FIELDS = [
  { name: "n_samples", label: "Samples", step: 1 },
  { name: "sample_temperature", label: "Temperature", step: 0.1 },
  { name: "max_tokens", label: "Max tokens", step: 1 },
  { name: "seed", label: "Seed", step: 1 },
];
const DRAFT = "codex.question";
const EVIDENCE = "codex.evidence";
/** @type {Record<string, string>} */
const PHASES = {
  loading: "Loading the model",
  looking: "Looking up",
  waiting: "Waiting for the first token",
  answering: "Answering",
  sampling: "Drawing samples to see whether the answers agree",
  checking: "Checking the evidence",
  verifying: "Checking the answer",
  judging: "Judging",
  cancelling: "Cancelling",
};

export class Composer {
  /** @type {string | null} What the work is at, or null. */
  phase = null;
  /** @type {Failure | null} */
  failed = null;
  /** @type {boolean | null} Whether there are documents to look things up in; null while that is not known. */
  documents = null;
  chosen = sessionStorage.getItem(EVIDENCE) === "first" ? "first" : "unsure";
  started = 0;
  timer = 0;

  /** @param {import("../shared/page.js").Page} page @param {Config} config @param {Options} options */
  constructor(page, config, options) {
    this.page = page;
    this.config = config;
    this.options = options;
  }

  get box() {
    return /** @type {HTMLTextAreaElement} */ (this.page.find("#cx-question"));
  }

  /** @param {string} name */
  #input(name) {
    return /** @type {HTMLInputElement} */ (this.page.find(`#cx-${name}`));
  }

  /** Once it is painted: what was typed before a reload, and the keyboard in the box. */
  begin() {
    const { box } = this;
    box.value = sessionStorage.getItem(DRAFT) ?? "";
    // A narrower box takes more lines: it becomes one when the answer's panels come.
    new ResizeObserver(() => requestAnimationFrame(() => this.#fit())).observe(
      /** @type {Element} */ (box.parentElement),
    );
    box.focus();
  }

  /** Ask what stands in the box, or another question; `more` goes before the settings. @param {string} question @param {object} more */
  submit(question = this.box.value, more = {}) {
    if (this.phase) return;
    const bad = FIELDS.find(({ name }) => this.#input(name).validity.badInput);
    this.fail(bad ? { message: `${bad.label} is not a number.`, fields: [bad.name] } : null);
    if (bad) return;
    const settings = Object.fromEntries(FIELDS.map(({ name }) => [name, this.#input(name).value.trim()]));
    this.options.ask({ question, ...settings, evidence: this.documents ? this.chosen : "unsure", ...more });
  }

  /** Move the keyboard to the question, unless it is at a setting. */
  focus() {
    if (!this.page.find(".cx-composer")?.contains(document.activeElement)) this.box.focus();
  }

  /** Put a question into the box and the cursor behind it. @param {string} text */
  put(text) {
    this.box.value = text;
    this.#changed();
    this.box.focus();
  }

  /** The question was answered: the box is free for the next one, unless another text stands there already. @param {string} question */
  answered(question) {
    if (this.box.value.trim() === question.trim()) this.box.value = "";
    this.#changed();
  }

  /** Say what went wrong, at the field where it did. @param {Failure | null} error */
  fail(error) {
    this.failed = error;
    this.page.paint();
    const [first] = error?.fields ?? [];
    if (first) (first === "query" ? this.box : this.#input(first))?.focus();
  }

  /** The phase of the work under way, or null; the time since it began runs along. @param {string | null} phase */
  run(phase) {
    if (phase && !this.phase) {
      this.started = performance.now();
      this.timer = window.setInterval(() => this.#tick(), 100);
    } else if (!phase) clearInterval(this.timer);
    this.phase = phase;
    this.page.paint();
    if (phase) this.#tick();
    else if (document.activeElement === document.body) this.box.focus();
  }

  // The time alone: a page that is painted ten times a second would be felt.
  #tick() {
    const clock = this.page.find(".cx-progress .cx-num");
    if (clock) clock.textContent = `${((performance.now() - this.started) / 1000).toFixed(1)} s`;
  }

  // What is typed outlives a reload of the page, of this tab only.
  #changed() {
    sessionStorage.setItem(DRAFT, this.box.value);
    this.#fit();
  }

  #fit() {
    const { box } = this;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 200)}px`;
  }

  view() {
    const { phase, failed, config, options } = this;
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.submit();
    };
    const key = (/** @type {KeyboardEvent} */ event) =>
      event.key === "Enter" && !event.shiftKey && !event.isComposing && submit(event);
    const wrong = (/** @type {string} */ name) => (failed?.fields.includes(name) ? "true" : nothing);
    return html`<form class="cx-composer ${phase ? "busy" : ""}" novalidate @submit=${submit}><label for="cx-question" class="cx-sr">Question</label>
      <div class="cx-composer-row"><button type="button" class="cx-icon-button cx-drawer" title="Sessions" aria-label="Show or hide the sessions"
          aria-controls="cx-sessions" @click=${options.drawer}>${icon("menu")}</button>
        <textarea id="cx-question" rows="1" placeholder="Ask a question" aria-describedby="cx-ask-error" spellcheck="true" aria-invalid=${wrong("query")}
          @keydown=${key} @input=${() => this.#changed()}></textarea>
        <button type="submit" class="cx-button primary" ?hidden=${phase}>Ask</button>${
          phase ? button("Cancel", options.cancel, { kind: "", disabled: phase === "cancelling" }) : nothing
        }</div>
      <div class="cx-below"><div class="cx-settings">${FIELDS.map(
        ({
          name,
          label,
          step,
        }) => html`<label for="cx-${name}"><span>${label}</span><input type="number" id="cx-${name}" step=${step} min=${config.limits[name][0]}
          max=${config.limits[name][1]} value=${config.defaults[name]} inputmode="decimal" aria-invalid=${wrong(name)}></label>`,
      )}<div class="cx-settings-row">${this.#evidence()}<span class="cx-engine" title="The engine that runs the model"><span class="cx-sr">Engine </span>${config.engine}</span></div></div>
        ${phase ? html`<p class="cx-progress" role="status">${PHASES[phase]}<span class="cx-num" aria-hidden="true"></span></p>` : nothing}</div>
      ${failed ? html`<p class="cx-error" id="cx-ask-error" role="alert">${failed.message}</p>` : nothing}</form>`;
  }

  // When the documents are searched: the choice stays while the tab is open.
  #evidence() {
    if (this.documents === null) return nothing;
    const unsure = this.config.looks_up
      ? ["unsure", "when unsure", "Look things up when the first answer is unsure"]
      : ["unsure", "off", "Look nothing up; ask.retrieve is off"];
    const options = /** @type {[string, string, string][]} */ ([
      unsure,
      ["first", "look up first", "Look things up before answering"],
    ]);
    const change = (/** @type {string} */ value) => {
      sessionStorage.setItem(EVIDENCE, value);
      this.chosen = value;
      this.page.paint();
    };
    return html`<fieldset class="cx-evidence"><legend class="cx-sr">Evidence</legend><span aria-hidden="true">Evidence</span>${
      this.documents
        ? html`<div class="cx-segments">${segmentsAlone({ name: "cx-evidence", options, value: this.chosen, change })}</div>`
        : html`<a class="cx-link" href=${place("documents")} title="No documents are indexed">add documents</a>`
    }</fieldset>`;
  }
}
