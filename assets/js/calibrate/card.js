// The right side: what a calibrator was fitted on and guarantees, whether it is active, and those that are saved.

import { html, nothing } from "../shared/lit.js";
import { hint, measured, when } from "../shared/parts.js";
import { heading, madeOf, saved as savedVersions, VersionCard, warning } from "../shared/versions.js";
import { share } from "../shared/words.js";

/** @import {Calibrator, Card as Shown, Risk} from "./types" */
/** @import {Explained} from "../shared/types" */

const LONG = 80; // characters; a longer fact stands below its name
const UNKNOWN = "It is computed together with the diagrams, from the answers of a run.";
const ESTIMATED = "The Ask page shows an estimated confidence instead.";

/** @extends {VersionCard<import("./page.js").Calibrate>} */
export class Card extends VersionCard {
  /** @param {import("./page.js").Calibrate} page */
  constructor(page) {
    super(page, ".cx-calibrator", "Delete a calibrator");
  }

  /** @param {Shown} shown @param {boolean} back whether there is something to go back to @param {Risk} risk of the guarantee @param {boolean} fitted whether it was fitted for it */
  view(shown, back, { alpha, delta }, fitted) {
    const { version, active, ships, mismatch, guarantee } = shown;
    const level = `For α ${alpha} and δ ${delta}, ${fitted ? "as it was fitted" : "as in the form"}.`;
    const answer = () =>
      this.act("guarantee", `Answer from ${share(guarantee?.threshold)}`, {
        title: "Activate the calibrator and a policy that answers from this confidence on",
        run: () => this.page.change("keep_guarantee", { version, ...this.page.risk }),
      });
    // One that is active is deactivated first; one that ships would be back at the next start.
    return html`<section class="cx-card cx-body cx-calibrator" aria-label="Calibrator">
      ${heading(shown)}
      <div>${mismatch ? warning(`${mismatch} ${ESTIMATED}`) : nothing}</div>
      <div class="cx-column tight" role="status"><h3>${guarantee?.holds === false ? "No guarantee" : "Guarantee"}</h3><p>${guarantee?.words ?? UNKNOWN}</p>
        ${guarantee ? hint(level) : nothing}${guarantee?.holds ? html`<div>${answer()}</div>` : nothing}</div>
      ${this.actions(shown, { back, kept: active || ships })}
      <h3>Fitted on</h3>${madeOf(shown.facts, LONG)}</section>`;
  }
}

/** Those that are saved. @param {Calibrator[]} list @param {string | null} shown @param {(version: string) => void} open @param {Explained} auroc */
export function saved(list, shown, open, { name, says }) {
  const about = (/** @type {Calibrator} */ { method, auroc, created }) =>
    html`${method} · <span data-says=${says}>${name}</span> ${measured(auroc)} · ${when(created)}`;
  return savedVersions({ label: "Saved calibrators", list, shown, open, about });
}
