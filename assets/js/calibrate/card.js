// The right side: what a calibrator was fitted on and guarantees, whether it is active, and those that are saved.

import { Confirmation } from "../shared/confirmation.js";
import { html, nothing, repeat } from "../shared/lit.js";
import { having, Part } from "../shared/page.js";
import { alarm, badge, button, facts, hint, icon, measured, told, when, written } from "../shared/parts.js";
import { share } from "../shared/words.js";

/** @import {Calibrator, Card as Shown, Risk} from "./types" */
/** @import {Explained} from "../shared/types" */

const LONG = 80; // characters; a longer fact stands below its name
const UNKNOWN = "It is computed together with the diagrams, from the answers of a run.";
const ESTIMATED = "The Ask page shows an estimated confidence instead.";

/** @extends {Part<import("./page.js").Calibrate>} */
export class Card extends Part {
  /** @type {string | null} */
  failed = null;
  /** @type {string | null} What is being done. */
  acting = null;
  confirmation = new Confirmation("Delete a calibrator", this.page.paint);

  /** @param {Shown} shown @param {boolean} back whether there is something to go back to @param {Risk} risk of the guarantee @param {boolean} fitted whether it was fitted for it */
  view(
    { version, name, title, active, ships, mismatch, guarantee, facts: known },
    back,
    { alpha, delta },
    fitted,
  ) {
    const warning = html`<p class="cx-note cx-row warning" role="alert">${icon("defer")}<span>${mismatch} ${ESTIMATED}</span></p>`;
    const level = `For α ${alpha} and δ ${delta}, ${fitted ? "as it was fitted" : "as in the form"}.`;
    const answer = () =>
      this.#act("guarantee", `Answer from ${share(guarantee?.threshold)}`, {
        title: "Activate the calibrator and a policy that answers from this confidence on",
        run: () => this.page.change("keep_guarantee", { version, ...this.page.risk }),
      });
    const activate = this.#act("activate", active ? "Deactivate" : "Activate", {
      kind: active ? "small" : "small primary",
      run: () => this.page.change("activate", { version: active ? null : version }),
    });
    const rollback = () =>
      this.#act("rollback", "Roll back", { run: () => this.page.change("rollback", {}) });
    // One that is active is deactivated first; one that ships would be back at the next start.
    const remove =
      active || ships ? nothing : button("Delete", () => this.#ask(version, title), { act: "delete" });
    const rename = button("Rename", () => this.#rename(version, name), { act: "rename" });
    const lines = known.map(([name, value]) => {
      const long = typeof value === "string" && value.length > LONG ? "long" : "";
      return /** @type {[string, unknown, string]} */ ([name, told(value), long]);
    });
    return html`<section class="cx-card cx-body cx-calibrator" aria-label="Calibrator">
      <h2 class="cx-row wrap">${written(title)} ${active ? badge("answer", "answer", "active") : badge("none", null, "not active")}</h2>
      <div>${mismatch ? warning : nothing}</div>
      <div class="cx-column tight" role="status"><h3>${guarantee?.holds === false ? "No guarantee" : "Guarantee"}</h3><p>${guarantee?.words ?? UNKNOWN}</p>
        ${guarantee ? hint(level) : nothing}${guarantee?.holds ? html`<div>${answer()}</div>` : nothing}</div>
      <div class="cx-row wrap">${activate}${back ? rollback() : nothing}${rename}${remove}</div>
      ${this.confirmation.view()}${alarm(this.failed)}
      <h3>Fitted on</h3>${facts(lines, "pairs")}</section>`;
  }

  /** @param {string} act @param {string} words @param {{run: () => Promise<string | null>, kind?: string, title?: string}} options */
  #act(act, words, { run, ...options }) {
    return button(words, () => this.#run(act, run), { act, disabled: this.acting === act, ...options });
  }

  /** @param {string} act @param {() => Promise<string | null>} run */
  async #run(act, run) {
    this.set({ acting: act });
    const failed = await run();
    this.set({ failed, acting: null });
    // A button that is disabled while it works has lost the focus; who has gone elsewhere stays there.
    if (document.activeElement === document.body) this.#focus(act);
  }

  /** @param {string} act */
  #focus(act) {
    const here = `.cx-calibrator ${having("data-act", act)}`;
    this.page.focus(here, ".cx-calibrator [data-act=activate]", ".cx-runs-list input, select");
  }

  /** @param {string} version @param {string} name */
  #rename(version, name) {
    this.confirmation.rename({
      name,
      run: (name) => this.page.change("rename", { version, name }),
      back: () => this.#focus("rename"),
    });
  }

  /** @param {string} version @param {string} title */
  #ask(version, title) {
    this.confirmation.open({
      question: html`<span>Delete ${written(title)}? This cannot be undone.</span>`,
      yes: "Delete",
      doing: "Deleting …",
      run: () => this.page.change("delete", { version }),
      back: () => this.#focus("delete"),
    });
  }
}

/** Those that are saved. @param {Calibrator[]} list @param {string | null} shown @param {(version: string) => void} open @param {Explained} auroc */
export function saved(list, shown, open, { name, says }) {
  const line = (
    /** @type {Calibrator} */ { version, title, active, method, auroc, created, mismatch },
  ) => html`<li>
    <button type="button" class="cx-item" aria-current=${version === shown ? "true" : nothing} @click=${() => open(version)}>
      <span class="cx-row wrap tight">${written(title)}${active ? badge("answer", "answer", "active") : nothing}</span>
      <span class="cx-sub">${method} · <span data-says=${says}>${name}</span> ${measured(auroc)} · ${when(created)}</span>
      ${mismatch ? html`<span class="cx-sub cx-caution">${mismatch}</span>` : nothing}</button></li>`;
  return html`<section class="cx-card cx-body" aria-label="Saved calibrators"><h2>Saved</h2>
    <ul class="cx-list cx-saved">${repeat(list, ({ version }) => version, line)}</ul></section>`;
}
