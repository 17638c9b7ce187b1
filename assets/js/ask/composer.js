// The question box, its settings, and the state of the work under way.

import { place } from "../shared/address.js";
import { fieldOf, submitted } from "../shared/events.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, icon, segments, unseen } from "../shared/parts.js";

/** @import {Failure} from "../shared/types" */
/** @import {Config} from "./types" */

const FIELDS = [
  { name: "n_samples", label: "Samples", step: 1 },
  { name: "sample_temperature", label: "Temperature", step: 0.1 },
  { name: "max_tokens", label: "Max tokens", step: 1 },
  { name: "seed", label: "Seed", step: 1 },
];
const DRAFT = "codex.question";
/** @type {Record<string, string>} */
const PHASES = {
  loading: "Loading the model",
  looking: "Retrieving passages",
  larger: "Waiting for the larger model",
  waiting: "Waiting for the first token",
  answering: "Answering",
  sampling: "Drawing samples to see whether the answers agree",
  checking: "Checking the evidence",
  verifying: "Verifying the answer",
  judging: "Judging",
  cancelling: "Stopping",
};

/** @extends {Part<import("./page.js").Ask>} */
export class Composer extends Part {
  /** @type {string | null} What the work is at, or null. */
  phase = null;
  /** @type {Failure | null} */
  failed = null;
  /** @type {string | null} The field at fault that the keyboard did not reach yet. */
  faulty = null;
  /** @type {boolean | null} Whether there are documents to retrieve from; null while that is not known. */
  documents = null;
  /** @type {string | null} When documents are searched; null while that is not known. */
  chosen = null;
  started = 0;
  timer = 0;
  /** @type {Config} */
  config = this.page.config;
  adaptive = this.config.adaptive;

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
    const resized = new ResizeObserver(() => requestAnimationFrame(() => this.#fit()));
    resized.observe(/** @type {Element} */ (box.parentElement));
    box.focus();
  }

  /** Ask what stands in the box, or another question; `more` goes before the settings. @param {string} question @param {object} more */
  submit(question = this.box.value, more = {}) {
    if (this.phase) return;
    const bad = FIELDS.find(({ name }) => this.#input(name).validity.badInput);
    this.fail(bad ? { message: `${bad.label} is not a number.`, fields: [bad.name] } : null);
    if (bad) return;
    const settings = Object.fromEntries(FIELDS.map(({ name }) => [name, this.#input(name).value.trim()]));
    // What is not known yet is the server's to say.
    const none = this.documents === false;
    const used = none ? { evidence: "unsure" } : { evidence: this.chosen, documents: this.page.among.wanted };
    this.page.ask({ question, ...settings, adaptive: this.adaptive, ...used, ...more });
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

  /** Say what went wrong, at the field where it did. @param {Failure | null} failed */
  fail(failed) {
    this.set({ failed, faulty: failed?.fields[0] ?? null });
    this.reach();
  }

  /** Move the keyboard to the field at fault, once: the documents' comes when they are known. */
  reach() {
    const { faulty } = this;
    const field = faulty && (faulty === "query" ? this.box : this.#input(faulty));
    if (!field) return;
    field.focus();
    this.faulty = null;
  }

  /** The phase of the work under way, or null; the time since it began runs along. @param {string | null} phase */
  run(phase) {
    if (phase && !this.phase) {
      this.started = performance.now();
      this.timer = window.setInterval(() => this.#tick(), 100);
    } else if (!phase) clearInterval(this.timer);
    this.set({ phase });
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
    const { phase, failed, config, page } = this;
    const submit = submitted(() => this.submit());
    const key = (/** @type {KeyboardEvent} */ event) =>
      event.key === "Enter" && !event.shiftKey && !event.isComposing && submit(event);
    const wrong = (/** @type {string} */ name) => (failed?.fields.includes(name) ? "true" : nothing);
    const number = (/** @type {typeof FIELDS[number]} */ { name, label, step }) =>
      html`<label class="cx-row tight" for="cx-${name}"><span>${label}</span><input class="cx-input" type="number" id="cx-${name}" step=${step}
        min=${config.limits[name][0]} max=${config.limits[name][1]} value=${config.defaults[name]} inputmode="decimal" aria-invalid=${wrong(name)}></label>`;
    const cancel = () => button("Stop", () => page.cancel(), { kind: "", disabled: phase === "cancelling" });
    const progress = () =>
      html`<p class="cx-progress" role="status">${PHASES[phase ?? ""]}<span class="cx-num" aria-hidden="true"></span></p>`;
    return html`<form class="cx-card cx-body cx-composer ${phase ? "busy" : ""}" novalidate @submit=${submit}>${page.conversation.strip()}<label for="cx-question" class="cx-sr">Question</label>
      <div class="cx-row end"><button type="button" class="cx-icon-button cx-drawer" title="Sessions" aria-label="Show or hide the sessions"
          aria-controls="cx-sessions" aria-expanded=${String(page.drawer)} @click=${() => page.set({ drawer: !page.drawer })}>${icon("menu")}</button>
        <textarea class="cx-input cx-grow" id="cx-question" rows="1" placeholder=${page.conversation.following ? "Ask a follow-up question" : "Ask a question"} aria-describedby="cx-follows cx-ask-error" spellcheck="true" aria-invalid=${wrong("query")}
          @keydown=${key} @input=${() => this.#changed()}></textarea>
        <button type="submit" class="cx-button primary" ?hidden=${phase}>Ask</button>${phase ? cancel() : nothing}</div>
      <div class="cx-below"><div class="cx-settings cx-row wrap">${FIELDS.map(number)}${this.#adaptive()}<div class="cx-row wrap cx-settings-row">${this.#evidence(wrong("documents"))}<span
        class="cx-engine cx-mono" title="The engine that runs the model">${unseen("Engine ")}${config.engine}</span></div></div>${phase ? progress() : nothing}</div>
      <div id="cx-ask-error">${alarm(failed?.message)}</div></form>`;
  }

  #adaptive() {
    return html`<label class="cx-check" title="Draw fewer samples where the first ones settle how far they agree"><input type="checkbox" .checked=${live(this.adaptive)}
      @change=${(/** @type {Event} */ event) => this.set({ adaptive: fieldOf(event).checked })}>Adaptive</label>`;
  }

  // When the documents are searched: the choice is kept in the home.
  #evidence(/** @type {unknown} */ wrong) {
    const { documents, config } = this;
    if (documents === null) return nothing;
    const add = html`<a class="cx-link" href=${place("documents")} title="No documents are indexed">add documents</a>`;
    const unsure = config.looks_up
      ? ["unsure", "only if unsure", "Retrieve passages when the first answer is unsure"]
      : ["unsure", "off", "Retrieve nothing; ask.retrieve is off"];
    const options = /** @type {[string, string, string][]} */ ([
      unsure,
      ["first", "always", "Retrieve passages before answering"],
    ]);
    const change = (/** @type {string} */ chosen) => {
      this.set({ chosen });
      return this.page.change("set_evidence", { evidence: chosen });
    };
    const choice = segments({
      name: "cx-evidence",
      legend: "Use my documents",
      options,
      value: this.chosen,
      change,
    });
    return html`<span class="cx-row wrap"><span aria-hidden=${documents ? "true" : nothing}>Use my documents</span>${documents ? [choice, this.page.among.opener(wrong)] : add}</span>`;
  }
}
