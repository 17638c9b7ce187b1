// A training while it runs, and until its end is dismissed: loss and calibration, by epochs or updates.

import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { hint } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { capital } from "../shared/words.js";

/** @import {Course as Seen} from "./types" */

const HINTS = {
  epochs:
    "Cross-fitted: answers are scored by adapters that did not see them. Training ends when the held-out loss no longer falls; the best epoch is kept.",
  updates: "Held-out questions are not trained on. Cancel keeps a checkpoint, from which Resume continues.",
};

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
    if (course.calibration) this.plots.calibration.draw(course.calibration);
    this.plots.loss.draw(course.loss);
  }

  view() {
    const { job } = this.page.state ?? {};
    if (!job?.course || this.page.job.dismissed === job.id) return nothing;
    const { calibration, loss } = this.plots;
    const { of, calibration: measured } = job.course;
    return html`<section class="cx-card cx-body" aria-label=${capital(of)}><div class="cx-halves">${measured ? calibration.element : nothing}${loss.element}</div>${hint(HINTS[of])}</section>`;
  }
}
