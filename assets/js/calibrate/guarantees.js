// What can be guaranteed for each dataset by itself, and the prediction sets that hold the correct answer.

import { textOf } from "../shared/events.js";
import { field, numeric } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, measured, percent, working, written } from "../shared/parts.js";
import { column, scrolled } from "../shared/table.js";
import { chosen, count } from "../shared/words.js";

/** @import {Column} from "../shared/types" */
/** @import {Group, PredictionSets, Risk, Sets as Found} from "./types" */

const number = true;

/** @param {string} name @param {unknown} control @param {unknown} body */
function card(name, control, body) {
  return html`<section class="cx-card" aria-label=${name}><header class="cx-head"><h2 class="cx-title">${name}</h2>${control}</header>${body}</section>`;
}

/** @param {unknown} name @param {unknown} below */
function named(name, below) {
  return html`${name}${below ? html`<span class="cx-sub">${below}</span>` : nothing}`;
}

/** @type {Column<Group>[]} */
const GROUPS = [
  column("name", "Dataset", (one) => named(written(one.name), one.threshold === null && one.words), {
    head: true,
  }),
  column("n", "Held out", ({ n }) => count(n), {
    number,
    title: "Graded answers that the calibrator was not fitted on; the guarantee rests on them",
  }),
  column(
    "threshold",
    "Answer from",
    ({ threshold }) => (threshold === null ? "no guarantee" : percent(threshold)),
    { number, title: "The lowest confidence from which the guarantee holds" },
  ),
  column("coverage", "Answered", ({ coverage }) => percent(coverage), {
    number,
    title: "Share of the held-out answers with that confidence or more",
  }),
  column("accuracy", "Correct of these", ({ accuracy }) => percent(accuracy), {
    number,
    title: "Share of the answered held-out answers that are correct",
  }),
];

/** @param {Group[]} rows @param {Risk} risk */
export function groups(rows, { alpha, delta }) {
  const several = rows.length > 1;
  const words = several
    ? `The same guarantee (at most ${chosen(alpha)} incorrect, with ${chosen(1 - delta)} confidence) for each dataset by itself. A guarantee over all can hide a dataset on which it does not hold.`
    : [
        "All held-out answers are from one dataset, ",
        written(rows[0]?.name ?? ""),
        ", so the guarantee is for that dataset.",
      ];
  const list = scrolled("Guarantees by dataset", GROUPS, several ? rows : [], ({ name }) => name);
  return card("Guarantees by dataset", nothing, html`<p class="cx-hint cx-none">${words}</p>${list}`);
}

const SHARES = [
  ["empty", "Empty", "No answer has enough of the samples"],
  ["one", "One", "The set holds a single answer"],
  ["several", "Several", "The set holds more than one answer"],
  ["anything", "Any", "The set is infinite: the correct answer may be one that no sample gave"],
];

/** @param {PredictionSets} sets */
function fittedOn({ name, fitted, n, infinite, labels }) {
  const few = infinite ? `: too few, ${count(labels)} are needed` : "";
  return named(
    name === null ? "all together" : written(name),
    `fitted on ${count(fitted)}, held out ${count(n)}${few}`,
  );
}

/** @type {Column<PredictionSets>[]} */
const SETS = [
  column("name", "Questions", fittedOn, { head: true }),
  column("cutoff", "Samples above", ({ infinite, cutoff }) => (infinite ? "infinite" : percent(cutoff)), {
    number,
    title: "An answer is in the set when more than this share of the samples gave it",
  }),
  column("size", "Mean size", ({ size }) => (size === null ? "infinite" : measured(size)), {
    number,
    title: "Answers in a set that is finite",
  }),
  ...SHARES.map(([key, label, title]) =>
    column(key, label, (/** @type {PredictionSets} */ { shares }) => percent(shares[key]), { title, number }),
  ),
  column("coverage", "Empirical coverage", ({ coverage, interval }) => percent(coverage, interval), {
    number,
    title: "Share of the held-out questions whose set holds the correct answer, with a 95% interval",
  }),
];
const INTRO =
  "Asked several times, a model gives several answers. A prediction set keeps those that enough of the samples gave, so that the correct one is among them as often as you ask for. The cutoff is fitted on the calibration half of the questions; the other columns are of the held-out half. A fit saves the sets at this level, and the Ask page shows them.";

/** @extends {Part<import("./page.js").Calibrate>} */
export class Sets extends Part {
  /** @type {Found | null} */
  found = null;
  /** @type {string | null} */
  failed = null;
  /** @type {number | null} Milliseconds until they are read again. */
  again = null;
  /** @type {number} */
  alpha = this.page.config.defaults.sets;
  first = this.alpha;

  view() {
    const { found } = this;
    if (!found && !this.failed) return nothing;
    const change = (/** @type {Event} */ event) => {
      this.alpha = Number(textOf(event));
      this.page.drawSets();
    };
    const level = field(
      "Miss rate, at most",
      numeric("sets", { min: 0.001, max: 0.999, value: this.first, change }),
    );
    const words = found?.computing ? working("Reading the samples") : found?.rows[0]?.words;
    return card(
      "Prediction sets",
      level,
      html`${alarm(this.failed)}<p class="cx-hint cx-none">${found?.note || INTRO}</p>
      ${scrolled("Prediction sets", SETS, found?.rows ?? [], ({ name }) => name ?? "")}<p class="cx-hint cx-none" role="status">${words}</p>`,
    );
  }
}
