// What can be promised of each dataset by itself, and the sets of answers that hold the right one.

import { fill, h } from "./dom.js";
import { measured, percent, written } from "./lab.js";

/** A share that was asked for, as it was. */
function share(value) {
  return `${Number((100 * value).toFixed(3))} %`;
}

/** A table in a card, under a title. columns: [words, what they mean]. */
function table(caption, columns) {
  const body = h("tbody");
  const head = columns.map(([words, title], at) => h("th", { scope: "col", title, class: at ? "cx-num" : null }, words));
  const scroll = h(
    "div.cx-lab-scroll.cx-cal-scroll",
    { tabindex: 0, role: "group", "aria-label": caption },
    h("table.cx-lab-table", h("caption.cx-sr", caption), h("thead", h("tr", head)), body),
  );
  return { scroll, body };
}

export class Groups {
  constructor(element) {
    this.hint = h("p.cx-hint.cx-cal-intro");
    const { scroll, body } = table("Promises by group", [
      ["Dataset"],
      ["Held back", "Graded answers that the calibrator was not fit on; the promise rests on them"],
      ["Answer from", "The lowest confidence from which on the promise holds"],
      ["Answered", "Share of the answers that were held back with that confidence or more"],
      ["Right of these", "Share of the answered ones that are right"],
    ]);
    Object.assign(this, { scroll, body });
    this.card = h(
      "section.cx-lab-card",
      { "aria-label": "Promises by group", hidden: true },
      h("header.cx-lab-head", h("h2.cx-lab-title", "Promises by group")),
      this.hint,
      scroll,
    );
    element.append(this.card);
  }

  hide() {
    this.card.hidden = true;
  }

  /** rows: [{name, n, threshold, coverage, accuracy, words}] or null; risk: {alpha, delta}. */
  show(rows, { alpha, delta }) {
    this.card.hidden = !rows;
    if (!rows) return;
    const several = rows.length > 1;
    this.scroll.hidden = !several;
    fill(
      this.hint,
      several
        ? `The same promise, at most ${share(alpha)} wrong with ${share(1 - delta)} certainty, made of each dataset by itself. A guarantee over all can hide a dataset on which it would be broken.`
        : ["All answers are of one dataset, ", written(rows[0]?.name ?? ""), ": the guarantee is its own."],
    );
    fill(
      this.body,
      rows.map((row) =>
        h(
          "tr",
          h("th", { scope: "row" }, written(row.name), row.threshold === null ? h("span.cx-lab-sub", row.words) : null),
          h("td.cx-num", row.n.toLocaleString("en")),
          h("td.cx-num", row.threshold === null ? "no promise" : measured(row.threshold)),
          h("td.cx-num", percent(row.coverage)),
          h("td.cx-num", percent(row.accuracy)),
        ),
      ),
    );
  }
}

const SHARES = [
  ["empty", "Empty", "No answer has enough of the samples"],
  ["one", "One", "The set holds a single answer"],
  ["several", "Several", "The set holds more than one answer"],
  ["anything", "Any", "The set is infinite: the right answer may be one that no sample gave"],
];

export class Sets {
  /** options: {alpha: at first, onalpha()}. */
  constructor(element, options) {
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.hint = h("p.cx-hint.cx-cal-intro");
    this.words = h("p.cx-hint.cx-lab-none", { role: "status" });
    this.input = h("input.cx-field", {
      type: "number",
      name: "sets",
      min: 0.001,
      max: 0.999,
      step: "any",
      required: true,
      value: options.alpha,
      onchange: () => options.onalpha(),
    });
    const { scroll, body } = table("Answer sets", [
      ["Questions"],
      ["Samples above", "An answer is in the set when more than this share of the samples gave it"],
      ["Mean size", "Answers in a set that is not any answer"],
      ...SHARES.map(([, words, title]) => [words, title]),
      ["Right inside", "Sets of the questions that were held back which hold the right answer, with a 95 % interval"],
    ]);
    Object.assign(this, { scroll, body });
    this.card = h(
      "section.cx-lab-card",
      { "aria-label": "Answer sets", hidden: true },
      h(
        "header.cx-lab-head",
        h("h2.cx-lab-title", "Answer sets"),
        h("label.cx-lab-field", h("span", "Without the right answer, at most"), this.input),
      ),
      this.error,
      this.hint,
      scroll,
      this.words,
    );
    element.append(this.card);
  }

  get alpha() {
    return Number(this.input.value);
  }

  hide() {
    this.card.hidden = true;
  }

  fail(message) {
    this.error.hidden = !message;
    this.error.textContent = message ?? "";
  }

  /** {rows, note, computing}: see sets_row; note: why there are none. */
  show({ rows, note, computing }) {
    this.card.hidden = false;
    this.scroll.hidden = !rows.length;
    fill(this.words, computing ? h("span.cx-progress", "Reading the samples") : rows[0]?.words);
    this.hint.textContent =
      note ||
      "Asked several times, a model gives several answers. A set keeps those that enough of the samples gave, so that the right one is among them as often as asked. How many are enough is learnt on one half of the questions; what the sets then hold is counted on the other. A fit keeps sets at this level, and the Ask page names them.";
    fill(
      this.body,
      rows.map((row) =>
        h(
          "tr",
          h(
            "th",
            { scope: "row" },
            row.name === null ? "all together" : written(row.name),
            h("span.cx-lab-sub", `fit on ${row.fitted.toLocaleString("en")}`, row.infinite ? `: too few, it takes ${row.labels.toLocaleString("en")}` : null),
          ),
          h("td.cx-num", row.infinite ? "infinite" : percent(row.cutoff)),
          h("td.cx-num", row.size === null ? "infinite" : measured(row.size)),
          SHARES.map(([key]) => h("td.cx-num", percent(row.shares[key]))),
          h(
            "td.cx-num",
            percent(row.coverage),
            row.interval ? h("span.cx-muted.cx-lab-interval", ` [${row.interval.map((share) => Math.round(100 * share)).join(", ")}]`) : null,
          ),
        ),
      ),
    );
  }
}
