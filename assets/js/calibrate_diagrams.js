// Two reliability diagrams on the same axes, how many answers got each confidence, and the figures of both.

import { fill, h } from "./dom.js";
import { choice, field, measured, written } from "./lab.js";
import { draw } from "./plot.js";

const FIGURES = [
  { key: "ece", label: "ECE", title: "Expected calibration error, 15 bins of equal mass; lower is better" },
  { key: "ece_excess", label: "ECE excess", title: "ECE less what perfect probabilities would show on so few answers" },
  { key: "brier", label: "Brier", title: "Mean squared distance of the probability from the outcome; lower is better" },
  { key: "nll", label: "NLL, nats", title: "Mean negative log-likelihood; lower is better" },
  { key: "auroc", label: "AUROC", title: "Chance that a right answer gets more than a wrong one; higher is better" },
];

export class Diagrams {
  /** options: {oncompare(version or null), onempty: what to do where there is no calibrator: {href, words}}. */
  constructor(element, options) {
    this.options = options;
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.title = h("h2.cx-lab-title");
    this.other = choice([], { onchange: () => options.oncompare(this.other.value || null) });
    this.computing = h("div.cx-lab-computing", { role: "status" });
    this.left = h("div");
    this.right = h("div");
    this.leftCounts = h("div");
    this.rightCounts = h("div");
    this.body = h("tbody");
    this.plots = h(
      "div.cx-cal-plots",
      h("div", { role: "group", "aria-label": "Before" }, this.left, this.leftCounts),
      h("div", { role: "group", "aria-label": "After" }, this.right, this.rightCounts),
    );
    this.table = h(
      "div.cx-lab-scroll",
      h(
        "table.cx-lab-table",
        h("caption.cx-sr", "Figures before and after"),
        h(
          "thead",
          h("tr", h("th", { scope: "col" }, "Confidence"), FIGURES.map(({ label, title }) => h("th.cx-num", { scope: "col", title }, label))),
        ),
        this.body,
      ),
    );
    this.hint = h("p.cx-hint.cx-lab-none");
    this.card = h(
      "section.cx-lab-card",
      { "aria-label": "Diagrams" },
      h("header.cx-lab-head", this.title, field("Compare with", this.other)),
      this.error,
      this.computing,
      this.plots,
      this.table,
      this.hint,
    );
    this.empty = h("section.cx-lab-empty", { "aria-label": "No calibrator yet" });
    element.append(this.card, this.empty);
  }

  /** runs: how many there are to fit on. */
  none(runs) {
    this.card.hidden = true;
    this.empty.hidden = false;
    fill(
      this.empty,
      h("h2", "Make a confidence mean what it says"),
      h(
        "p",
        "A calibrator learns from graded answers how likely an answer with such signals is to be right. Afterwards 0.87 means: right 87 times in 100.",
      ),
      runs
        ? h("p.cx-hint", "Choose a run on the left, and press Fit.")
        : h("a.cx-button.primary", { href: "evaluate" }, "Start a run first"),
    );
  }

  /** others: [[version, words]] that it can be compared with. */
  begin(title, others, compared) {
    this.card.hidden = false;
    this.empty.hidden = true;
    fill(this.title, written(title));
    const key = JSON.stringify(others);
    if (key !== this.key)
      fill(this.other, [["", "before: the heuristic"], ...others].map(([value, words]) => h("option", { value }, words)));
    this.key = key;
    this.other.value = compared ?? "";
  }

  fail(message) {
    this.error.hidden = !message;
    this.error.textContent = message ?? "";
  }

  /** {left, right: {diagram, counts} or null, rows: [{label, figures}], computing, note, hint}. */
  show(view) {
    const drawn = JSON.stringify(view);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const { left, right, rows, computing, note, hint } = view;
    fill(
      this.computing,
      computing ? h("span.cx-progress", computing) : note ? h("p.cx-lab-note", note) : null,
    );
    this.plots.hidden = !left && !right;
    for (const [part, plot, counts] of [
      [left, this.left, this.leftCounts],
      [right, this.right, this.rightCounts],
    ]) {
      plot.parentElement.hidden = !part;
      if (!part) continue;
      draw(plot, part.diagram, { table: part.table });
      draw(counts, part.counts);
    }
    this.table.hidden = !rows.length;
    fill(
      this.body,
      rows.map(({ label, title, figures }) =>
        h(
          "tr",
          h("th", { scope: "row", title }, written(label)),
          FIGURES.map(({ key }) => h("td.cx-num", measured(figures?.[key]?.value, figures?.[key] ? [figures[key].low, figures[key].high] : null))),
        ),
      ),
    );
    this.hint.textContent = hint ?? "";
  }
}
