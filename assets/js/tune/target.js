// A target, typed in: what risk or what coverage, and what was proposed for it.

import { submitted, textOf } from "../shared/events.js";
import { html, live } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, icon } from "../shared/parts.js";
import { single } from "../shared/server.js";

/** @import {Proposed} from "./types" */
/** @typedef {"risk" | "coverage"} By */

/** @type {Record<By, [label: string, meaning: string]>} */
const FIELDS = {
  risk: ["Incorrect answers allowed, α", "alpha: the largest share of incorrect answers among those given"],
  coverage: ["Questions answered, at least", "the share of questions that get an answer"],
};

/** @extends {Part<import("./page.js").Tune>} */
export class Target extends Part {
  values = { by: "risk", risk: "10", coverage: "80", confidence_level: "95", ...this.page.kept.target };
  first = { ...this.values };
  /** @type {Proposed | null} */
  proposed = null;
  /** What was proposed no longer stands on the sliders. */
  past = false;

  /** @param {Partial<typeof this.values>} change */
  #change(change) {
    Object.assign(this.values, change);
    this.page.keep();
    this.page.paint();
  }

  #propose = single(async () => this.set({ proposed: await this.page.propose(this.values), past: false }));

  view() {
    return html`<form class="cx-card cx-body" aria-label="Target" novalidate @submit=${submitted(this.#propose)}><h2>Target</h2>
      ${this.#line("risk")}${this.#line("coverage")}
      <div class="cx-row cx-target"><span></span><span class="cx-grow">Confidence level</span>${this.#field("confidence_level", "Confidence level, in percent")}<span>%</span></div>
      <div class="cx-row"><button type="submit" class="cx-button small" aria-label="Propose thresholds">Propose</button></div>
      <div class=${this.past ? "cx-past" : ""} role="status">${this.proposed && said(this.proposed)}</div></form>`;
  }

  #line(/** @type {By} */ name) {
    const [label, meaning] = FIELDS[name];
    return html`<div class="cx-row cx-target" title=${meaning}><input type="radio" name="cx-target" value=${name} .checked=${live(this.values.by === name)}
      aria-label="By: ${label}" @change=${() => this.#change({ by: name })}><span class="cx-grow">${label}</span>${this.#field(name, `${label}, in percent`)}<span>%</span></div>`;
  }

  #field(/** @type {By | "confidence_level"} */ name, /** @type {string} */ label) {
    const typed = (/** @type {Event} */ event) =>
      this.#change({ [name]: textOf(event), ...(name === "confidence_level" ? {} : { by: name }) });
    return html`<input class="cx-input cx-number" value=${this.first[name]} name="target ${name}" inputmode="decimal" autocomplete="off"
      aria-label=${label} @input=${typed}>`;
  }
}

/** @param {Proposed} proposed */
function said({ error, ok, words }) {
  if (error) return alarm(error.message);
  return html`<p class="cx-note cx-row ${ok ? "good" : "warning"}">${icon(ok ? "answer" : "skip")}<span>${words}</span></p>`;
}
