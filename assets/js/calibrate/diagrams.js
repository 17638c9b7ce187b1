// Two reliability diagrams on the same axes, how many answers got each confidence, and the metrics of both.

import { choice, field } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, hint, working, written } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { table } from "../shared/table.js";
import { metricColumns } from "../shared/versions.js";

/** @import {Shown} from "./types" */

/** @extends {Part<import("./page.js").Calibrate>} */
export class Diagrams extends Part {
  /** @type {string | null} */
  failed = null;
  /** @type {Shown | null} */
  shown = null;
  sides = ["Before", "After"].map((name) => ({ name, plot: new Plot(), counts: new Plot() }));

  /** @param {Shown} shown */
  draw(shown) {
    this.shown = shown;
    [shown.left, shown.right].forEach((part, i) => {
      if (!part) return;
      const { plot, counts } = this.sides[i];
      plot.draw(part.diagram, { table: part.table });
      counts.draw(part.counts);
    });
  }

  view() {
    const { shown: version, list, compared } = this.page;
    if (!version) return empty(this.page.state?.runs?.length ?? 0);
    const { left, right, rows = [], computing, note, hint: below } = this.shown ?? {};
    const others = (list ?? []).filter((one) => one.version !== version);
    const options = /** @type {[string, string][]} */ ([
      ["", "before: estimated"],
      ...others.map((one) => [one.version, one.title]),
    ]);
    const change = (/** @type {string} */ version) => {
      this.page.compared = version || null;
      this.page.draw();
    };
    const parts = [left, right];
    const sides = this.sides.map(
      ({ name, plot, counts }, i) =>
        html`<div role="group" aria-label=${name} ?hidden=${!parts[i]}>${plot.element}${counts.element}</div>`,
    );
    const metrics = table({
      caption: "Metrics before and after",
      columns: metricColumns("Confidence", this.page.config.metrics),
      rows,
      key: ({ label }) => label,
    });
    return html`<section class="cx-card" aria-label="Diagrams">
      <header class="cx-head"><h2 class="cx-title">${written((list ?? []).find((one) => one.version === version)?.title ?? version)}</h2>${field("Compare with", choice(options, { value: compared ?? "", change }))}</header>
      ${alarm(this.failed)}<div class="cx-status-line" role="status">${computing ? working(computing) : note ? hint(note) : nothing}</div>
      <div class="cx-halves cx-diagrams" ?hidden=${!left && !right}>${sides}</div>
      <div class="cx-scroll" ?hidden=${!rows.length}>${metrics}</div><p class="cx-hint cx-none">${below}</p></section>`;
  }
}

/** @param {number} runs how many there are to fit on */
function empty(runs) {
  const start = html`<a class="cx-button primary" href="evaluate">Start a run first</a>`;
  return html`<section class="cx-empty" aria-label="No calibrator yet"><h2>Get a confidence you can rely on</h2>
    <p>A calibrator learns from graded answers how likely an answer with given signals is to be correct. After that, 0.87 means: correct 87 times in 100.</p>
    ${runs ? hint("Choose a run on the left, then press Fit.") : start}</section>`;
}
