// A target, typed in: what risk or what coverage, and what was proposed for it.

import { html, live } from "../shared/lit.js";
import { alarm, icon } from "../shared/parts.js";
import { single } from "../shared/server.js";

/** @type {Record<"risk" | "coverage", [before: string, after: string, meaning: string]>} */
const FIELDS = {
  risk: ["at most", "wrong", "the share of wrong ones among the answers given"],
  coverage: ["at least", "answered", "the share of the questions that get their answer"],
};
/** @typedef {"risk" | "coverage" | "certainty"} Name */
/** @typedef {{words?: string, ok?: boolean, error?: {message: string}}} Proposed */

export class Target {
  values = { by: "risk", risk: "10", coverage: "80", certainty: "95" };
  /** @type {Proposed | null} */
  proposed = null;
  /** What was proposed no longer stands on the sliders. */
  past = false;

  /** @param {import("../shared/page.js").Page} page @param {object | undefined} kept @param {{propose: (wanted: object) => Promise<Proposed>, keep: () => void}} options */
  constructor(page, kept, options) {
    Object.assign(this.values, kept);
    this.first = { ...this.values };
    this.page = page;
    this.options = options;
  }

  /** @param {Partial<typeof this.values>} change */
  #set(change) {
    Object.assign(this.values, change);
    this.options.keep();
    this.page.paint();
  }

  #propose = single(async () => {
    this.proposed = await this.options.propose(this.values);
    this.past = false;
    this.page.paint();
  });

  view() {
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#propose();
    };
    const { proposed } = this;
    const shape = proposed?.ok ? "answer" : "skip";
    return html`<form class="cx-lab-card cx-tuning-card" aria-label="Target" novalidate @submit=${submit}><h2>Target</h2>
      ${this.#line("risk")}${this.#line("coverage")}
      <div class="cx-target-line"><span class="cx-target-with">with</span>${this.#field("certainty", "certainty in percent")}<span>% certainty</span>
        <button type="submit" class="cx-button small" aria-label="Propose thresholds">Propose</button></div>
      <div class="cx-tuning-said ${this.past ? "past" : ""}" role="status">${
        proposed &&
        (proposed.error
          ? alarm(proposed.error.message)
          : html`<p class="cx-guarantee ${proposed.ok ? "" : "none"}">${icon(shape)}<span>${proposed.words}</span></p>`)
      }</div></form>`;
  }

  #line(/** @type {"risk" | "coverage"} */ name) {
    const [before, after, meaning] = FIELDS[name];
    return html`<div class="cx-target-line" title=${meaning}><input type="radio" name="cx-target" value=${name} .checked=${live(this.values.by === name)}
      aria-label="${before} a percentage ${after}" @change=${() => this.#set({ by: name })}><span>${before}</span>${this.#field(
        name,
        `${after}, ${before}, in percent`,
      )}<span>% ${after}</span></div>`;
  }

  #field(/** @type {Name} */ name, /** @type {string} */ label) {
    const typed = (/** @type {Event} */ event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.target);
      this.#set({ [name]: value, ...(name === "certainty" ? {} : { by: name }) });
    };
    return html`<input class="cx-field cx-target-field" value=${this.first[name]} name="target ${name}" inputmode="decimal" autocomplete="off"
      aria-label=${label} @input=${typed}>`;
  }
}
