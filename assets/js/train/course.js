// A training of a verifier while it runs, and until its end is dismissed: loss and calibration, epoch by epoch.

import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { hint } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";

/** @import {Course as Seen} from "./types" */

const HINT =
  "Cross-fitted: answers are scored by adapters that did not see them. Training ends when the held-out loss no longer falls; the best epoch is kept.";

/** @extends {Part<import("./page.js").Train>} */
export class Course extends Part {
  plots = { calibration: new Plot(), loss: new Plot() };
  /** @type {string} What is drawn. */
  drawn = "";

  /** @param {string} job @param {Seen} course */
  draw(job, course) {
    const now = `${job} ${course.epochs}`;
    if (now === this.drawn) return;
    this.drawn = now;
    this.plots.calibration.draw(course.calibration);
    this.plots.loss.draw(course.loss);
  }

  view() {
    const { job } = this.page.state ?? {};
    if (!job?.course || this.page.job.dismissed === job.id) return nothing;
    const { calibration, loss } = this.plots;
    return html`<section class="cx-card cx-body" aria-label="Epochs"><div class="cx-halves">${calibration.element}${loss.element}</div>${hint(HINT)}</section>`;
  }
}
