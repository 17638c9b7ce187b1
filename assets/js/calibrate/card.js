// The right side: what a calibrator was fit on and promises, whether it speaks, and those that are saved.

import { Confirmation } from "../shared/confirmation.js";
import { html, nothing, repeat } from "../shared/lit.js";
import { having } from "../shared/page.js";
import { alarm, badge, button, facts, icon, measured, when, written } from "../shared/parts.js";

/** @import {Calibrator, Card as Shown, Risk} from "./types" */
/** @typedef {(version: string) => Promise<string | null>} Act */

const LONG = 80; // characters; a longer fact stands below its name
const UNKNOWN = "It is computed together with the diagrams, from the answers of a run.";

export class Card {
  /** @type {string | null} */
  failed = null;
  /** @type {string | null} What is being done. */
  acting = null;

  /**
   * @param {import("../shared/page.js").Page} page
   * @param {{activate: (version: string | null) => Promise<string | null>, promise: Act, rollback: () => Promise<string | null>, remove: Act}} options
   */
  constructor(page, options) {
    this.page = page;
    this.options = options;
    this.confirmation = new Confirmation("Delete a calibrator", page.paint);
  }

  /** @param {Shown} shown @param {boolean} back whether there is something to go back to @param {Risk} risk of the guarantee @param {boolean} fitted whether it was fitted for it */
  view(shown, back, { alpha, delta }, fitted) {
    const { version, active, ships, misfit, guarantee } = shown;
    const { activate, promise, rollback } = this.options;
    return html`<section class="cx-lab-card cx-lab-form cx-cal-card" aria-label="Calibrator">
      <h2>${written(version)} ${active ? badge("answer", "answer", "active") : badge("none", null, "not active")}</h2>
      <div>${
        misfit
          ? html`<p class="cx-lab-warning" role="alert">${icon("defer")}<span>${misfit} The Ask page shows a heuristic instead of its confidence.</span></p>`
          : nothing
      }</div>
      <div class="cx-cal-promise" role="status"><h3>${guarantee?.holds === false ? "No guarantee" : "Guarantee"}</h3><p>${guarantee?.words ?? UNKNOWN}</p>
        ${
          guarantee
            ? html`<p class="cx-hint">For α ${alpha} and δ ${delta}, ${fitted ? "which it was fitted for" : "as they stand in the form"}.</p>`
            : nothing
        }${
          guarantee?.holds
            ? this.#act(
                "promise",
                `Answer from ${guarantee.threshold.toFixed(2)} on`,
                () => promise(version),
                {
                  title: "Activate the calibrator and a policy that answers from this confidence on",
                },
              )
            : nothing
        }</div>
      <div class="cx-lab-buttons">${this.#act(
        "activate",
        active ? "Deactivate" : "Activate",
        () => activate(active ? null : version),
        {
          kind: active ? "small" : "small primary",
        },
      )}${back ? this.#act("rollback", "Roll back", rollback) : nothing}${
        // One that speaks is deactivated first; one that ships would be back at the next start.
        active || ships ? nothing : button("Delete", () => this.#ask(version), { act: "delete" })
      }</div>
      ${this.confirmation.view()}${alarm(this.failed)}
      <h3>Fit on</h3>${facts(
        shown.facts.map(([name, value]) => [name, written(value), value.length > LONG ? "long" : ""]),
        "cx-lab-facts column",
      )}</section>`;
  }

  /** @param {string} act @param {string} words @param {() => Promise<string | null>} run */
  #act(act, words, run, options = {}) {
    return button(words, () => this.#run(act, run), { act, disabled: this.acting === act, ...options });
  }

  /** @param {string} act @param {() => Promise<string | null>} run */
  async #run(act, run) {
    this.acting = act;
    this.page.paint();
    this.failed = await run();
    this.acting = null;
    this.page.paint();
    // A button that is disabled while it works has lost the focus; who has gone elsewhere stays there.
    if (document.activeElement === document.body) this.#focus(act);
  }

  /** @param {string} act */
  #focus(act) {
    this.page.focus(
      `.cx-cal-card ${having("data-act", act)}`,
      ".cx-cal-card .cx-lab-buttons button",
      ".cx-cal-runs input, select",
    );
  }

  /** @param {string} version */
  #ask(version) {
    this.confirmation.open({
      question: html`<span>Delete ${written(version)}? It cannot be brought back.</span>`,
      yes: "Delete it",
      doing: "Deleting …",
      run: () => this.options.remove(version),
      back: () => this.#focus("delete"),
    });
  }
}

/** Those that are saved. @param {Calibrator[]} list @param {string | null} shown @param {(version: string) => void} open */
export function saved(list, shown, open) {
  const line = (/** @type {Calibrator} */ { version, active, method, auroc, created, misfit }) => html`<li>
    <button type="button" class="cx-cal-line" aria-current=${version === shown ? "true" : nothing} @click=${() => open(version)}>
      <span class="cx-cal-name">${written(version)}${active ? badge("answer", "answer", "active") : nothing}</span>
      <span class="cx-lab-sub">${method} · AUROC ${measured(auroc)} · ${when(created)}</span>
      ${misfit ? html`<span class="cx-lab-sub cx-cal-problem">${misfit}</span>` : nothing}</button></li>`;
  return html`<section class="cx-lab-card cx-lab-form" aria-label="Saved calibrators"><h2>Saved</h2>
    <ul class="cx-cal-saved">${repeat(list, ({ version }) => version, line)}</ul></section>`;
}
