// What can be promised of each dataset by itself, and the sets of answers that hold the right one.

import { numeric } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { alarm, measured, percent, written } from "../shared/parts.js";
import { table } from "../shared/table.js";
import { count } from "../shared/words.js";

/** @import {AnswerSet, Group, Risk, Sets as Found} from "./types" */

/** A share that was asked for, as it was. @param {number} value */
function share(value) {
  return `${Number((100 * value).toFixed(3))} %`;
}

/** A table in a card, that can be moved sideways. @template Row @param {string} caption @param {import("../shared/table.js").Column<Row>[]} columns @param {Row[]} rows @param {(row: Row) => string} key */
function scrolled(caption, columns, rows, key) {
  return html`<div class="cx-lab-scroll cx-cal-scroll" tabindex="0" role="group" aria-label=${caption} ?hidden=${!rows.length}>${table({ caption, columns, rows, key })}</div>`;
}

/** @type {import("../shared/table.js").Column<Group>[]} */
const GROUPS = [
  {
    ...{ key: "name", label: "Dataset", head: true },
    cell: ({ name, threshold, words }) =>
      html`${written(name)}${threshold === null ? html`<span class="cx-lab-sub">${words}</span>` : nothing}`,
  },
  {
    ...{ key: "n", label: "Held back", number: true, cell: ({ n }) => count(n) },
    title: "Graded answers that the calibrator was not fit on; the promise rests on them",
  },
  {
    ...{ key: "threshold", label: "Answer from", number: true },
    title: "The lowest confidence from which on the promise holds",
    cell: ({ threshold }) => (threshold === null ? "no promise" : measured(threshold)),
  },
  {
    ...{ key: "coverage", label: "Answered", number: true, cell: ({ coverage }) => percent(coverage) },
    title: "Share of the answers that were held back with that confidence or more",
  },
  {
    ...{ key: "accuracy", label: "Right of these", number: true, cell: ({ accuracy }) => percent(accuracy) },
    title: "Share of the answered ones that are right",
  },
];

/** @param {Group[]} rows @param {Risk} risk */
export function groups(rows, { alpha, delta }) {
  const several = rows.length > 1;
  const words = several
    ? `The same promise, at most ${share(alpha)} wrong with ${share(1 - delta)} certainty, made of each dataset by itself. A guarantee over all can hide a dataset on which it would be broken.`
    : ["All answers are of one dataset, ", written(rows[0]?.name ?? ""), ": the guarantee is its own."];
  return html`<section class="cx-lab-card" aria-label="Promises by group"><header class="cx-lab-head"><h2 class="cx-lab-title">Promises by group</h2></header>
    <p class="cx-hint cx-cal-intro">${words}</p>${scrolled("Promises by group", GROUPS, several ? rows : [], ({ name }) => name)}</section>`;
}

const SHARES = [
  ["empty", "Empty", "No answer has enough of the samples"],
  ["one", "One", "The set holds a single answer"],
  ["several", "Several", "The set holds more than one answer"],
  ["anything", "Any", "The set is infinite: the right answer may be one that no sample gave"],
];
/** @type {import("../shared/table.js").Column<AnswerSet>[]} */
const SETS = [
  {
    ...{ key: "name", label: "Questions", head: true },
    cell: ({ name, fitted, infinite, labels }) =>
      html`${name === null ? "all together" : written(name)}<span class="cx-lab-sub">fit on ${count(fitted)}${
        infinite ? `: too few, it takes ${count(labels)}` : ""
      }</span>`,
  },
  {
    ...{ key: "cutoff", label: "Samples above", number: true },
    title: "An answer is in the set when more than this share of the samples gave it",
    cell: ({ infinite, cutoff }) => (infinite ? "infinite" : percent(cutoff)),
  },
  {
    ...{ key: "size", label: "Mean size", number: true, title: "Answers in a set that is not any answer" },
    cell: ({ size }) => (size === null ? "infinite" : measured(size)),
  },
  ...SHARES.map(([key, label, title]) => ({
    ...{ key, label, title, number: true },
    cell: (/** @type {AnswerSet} */ { shares }) => percent(shares[key]),
  })),
  {
    ...{ key: "coverage", label: "Right inside", number: true },
    title: "Sets of the questions that were held back which hold the right answer, with a 95 % interval",
    cell: ({ coverage, interval }) =>
      html`${percent(coverage)}${
        interval &&
        html`<span class="cx-muted cx-lab-interval"> [${interval.map((end) => Math.round(100 * end)).join(", ")}]</span>`
      }`,
  },
];
const INTRO =
  "Asked several times, a model gives several answers. A set keeps those that enough of the samples gave, so that the right one is among them as often as asked. How many are enough is learnt on one half of the questions; what the sets then hold is counted on the other. A fit keeps sets at this level, and the Ask page names them.";

export class Sets {
  /** @type {Found | null} */
  found = null;
  /** @type {string | null} */
  failed = null;
  /** @type {number | null} Milliseconds until they are read again. */
  again = null;

  /** @param {number} alpha at first @param {() => void} changed */
  constructor(alpha, changed) {
    this.alpha = alpha;
    this.changed = changed;
    this.first = alpha;
  }

  view() {
    const { found } = this;
    const change = (/** @type {Event} */ event) => {
      this.alpha = Number(/** @type {HTMLInputElement} */ (event.target).value);
      this.changed();
    };
    if (!found && !this.failed) return nothing;
    const field = numeric("sets", { min: 0.001, max: 0.999, value: this.first, change });
    const words = found?.computing
      ? html`<span class="cx-progress">Reading the samples</span>`
      : found?.rows[0]?.words;
    return html`<section class="cx-lab-card" aria-label="Answer sets"><header class="cx-lab-head"><h2 class="cx-lab-title">Answer sets</h2>
        <label class="cx-lab-field"><span>Without the right answer, at most</span>${field}</label></header>
      ${alarm(this.failed)}<p class="cx-hint cx-cal-intro">${found?.note || INTRO}</p>
      ${scrolled("Answer sets", SETS, found?.rows ?? [], ({ name }) => name ?? "")}
      <p class="cx-hint cx-lab-none" role="status">${words}</p></section>`;
  }
}
