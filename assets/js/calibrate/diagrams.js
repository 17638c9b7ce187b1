// Two reliability diagrams on the same axes, how many answers got each confidence, and the figures of both.

import { choice, field } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { alarm, measured, written } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { table } from "../shared/table.js";

/** @import {Row, Shown} from "./types" */

const FIGURES = [
  { key: "ece", label: "ECE", title: "Expected calibration error, 15 bins of equal mass; lower is better" },
  {
    key: "ece_excess",
    label: "ECE excess",
    title: "ECE less what perfect probabilities would show on so few answers",
  },
  {
    key: "brier",
    label: "Brier",
    title: "Mean squared distance of the probability from the outcome; lower is better",
  },
  { key: "nll", label: "NLL, nats", title: "Mean negative log-likelihood; lower is better" },
  {
    key: "auroc",
    label: "AUROC",
    title: "Chance that a right answer gets more than a wrong one; higher is better",
  },
];
/** @type {import("../shared/table.js").Column<Row>[]} */
const COLUMNS = [
  {
    key: "label",
    label: "Confidence",
    head: true,
    cell: ({ label }) => written(label),
    exact: ({ title }) => title,
  },
  ...FIGURES.map(({ key, label, title }) => ({
    ...{ key, label, title, number: true },
    cell: (/** @type {Row} */ { figures }) => {
      const found = figures?.[key];
      return measured(found?.value, found ? [found.low, found.high] : null);
    },
  })),
];

export class Diagrams {
  /** @type {string | null} */
  failed = null;
  /** @type {Shown | null} */
  shown = null;
  sides = [
    { name: "Before", plot: new Plot(), counts: new Plot() },
    { name: "After", plot: new Plot(), counts: new Plot() },
  ];

  /** @param {(version: string | null) => void} compare */
  constructor(compare) {
    this.compare = compare;
  }

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

  /** @param {{shown: string | null, others: string[], compared: string | null, runs: number}} now */
  view({ shown, others, compared, runs }) {
    if (!shown) return empty(runs);
    const { left, right, rows = [], computing, note, hint } = this.shown ?? {};
    const options = /** @type {[string, string][]} */ ([
      ["", "before: the heuristic"],
      ...others.map((one) => [one, one]),
    ]);
    const other = choice(options, {
      value: compared ?? "",
      change: (version) => this.compare(version || null),
    });
    const parts = [left, right];
    return html`<section class="cx-lab-card" aria-label="Diagrams">
      <header class="cx-lab-head"><h2 class="cx-lab-title">${written(shown)}</h2>${field("Compare with", other)}</header>
      ${alarm(this.failed)}
      <div class="cx-lab-computing" role="status">${
        computing
          ? html`<span class="cx-progress">${computing}</span>`
          : note
            ? html`<p class="cx-lab-note">${note}</p>`
            : nothing
      }</div>
      <div class="cx-cal-plots" ?hidden=${!left && !right}>${this.sides.map(
        ({ name, plot, counts }, i) =>
          html`<div role="group" aria-label=${name} ?hidden=${!parts[i]}>${plot.element}${counts.element}</div>`,
      )}</div>
      <div class="cx-lab-scroll" ?hidden=${!rows.length}>${table({
        ...{ caption: "Figures before and after", columns: COLUMNS, rows },
        key: ({ label }) => label,
      })}</div>
      <p class="cx-hint cx-lab-none">${hint}</p></section>`;
  }
}

/** @param {number} runs how many there are to fit on */
function empty(runs) {
  return html`<section class="cx-lab-empty" aria-label="No calibrator yet"><h2>Make a confidence mean what it says</h2>
    <p>A calibrator learns from graded answers how likely an answer with such signals is to be right. Afterwards 0.87 means: right 87 times in 100.</p>
    ${
      runs
        ? html`<p class="cx-hint">Choose a run on the left, and press Fit.</p>`
        : html`<a class="cx-button primary" href="evaluate">Start a run first</a>`
    }</section>`;
}
