// The questions that changed sides, and which way.

import { html, nothing } from "../shared/lit.js";
import { button, decision, icon, reveal, segmentsAlone, unseen } from "../shared/parts.js";
import { table } from "../shared/table.js";
import { count, counted, number } from "../shared/words.js";

/** @import {Change, Changes as Shown} from "./types" */

const MORE = 100;
/** @type {import("../shared/table.js").Column<Change>[]} */
const COLUMNS = [
  {
    ...{ key: "question", label: "Question and answer", head: true },
    cell: ({ question, text }) =>
      html`<bdi class="cx-tuning-question">${reveal(question)}</bdi><bdi class="cx-tuning-text cx-muted" title=${text}>${reveal(text)}</bdi>`,
  },
  {
    ...{ key: "changed", label: "Changed" },
    cell: ({ from, to }) =>
      html`<span class="cx-tuning-way">${decision(from)}${icon("go")}${unseen(" to ")}${decision(to)}</span>`,
  },
  {
    ...{ key: "right", label: "Answer is" },
    cell: ({ right }) =>
      html`<span class="cx-tuning-truth ${right ? "right" : "wrong"}">${icon(right ? "answer" : "close")}${right ? "right" : "wrong"}</span>`,
  },
  {
    ...{
      key: "confidence",
      label: "Confidence",
      kind: "cx-num",
      cell: ({ confidence }) => number(confidence),
    },
    exact: ({ confidence }) => (confidence === null ? "not available" : String(confidence)),
  },
];

export class Changes {
  /** @type {Shown | null} */
  shown = null;
  /** What they are counted from: "movement" or "other". */
  since = "movement";
  /** What the other policy is called. */
  other = "";

  /** @param {number} first questions at first @param {() => void} changed */
  constructor(first, changed) {
    this.first = first;
    this.limit = first;
    this.changed = changed;
  }

  view() {
    const { total = 0, moves = [], questions = [] } = this.shown ?? {};
    const change = (/** @type {string} */ since) => {
      Object.assign(this, { since, limit: this.first });
      this.changed();
    };
    const more = () => {
      this.limit += MORE;
      this.changed();
    };
    const options = /** @type {[string, string][]} */ ([
      ["movement", "last movement"],
      ["other", this.other ? `against ${this.other}` : "the other policy"],
    ]);
    return html`<section class="cx-lab-card cx-tuning-card" aria-label="Changed sides">
      <header class="cx-tuning-head"><h2>${total ? `${counted(total, "question")} changed sides` : "No question changed sides"}</h2>
        <div class="cx-segments" role="radiogroup" aria-label="Counted from">${segmentsAlone({ name: "cx-tuning-since", options, value: this.since, change })}</div></header>
      <ul class="cx-tuning-moves">${moves.map(
        ({
          from,
          to,
          count: all,
          right,
        }) => html`<li>${decision(from)}${icon("go")}${decision(to)}<span class="cx-num">${count(all)}</span><span
          class="cx-muted cx-num">${count(right)} right, ${count(all - right)} wrong</span></li>`,
      )}</ul>
      ${total ? table({ kind: "", caption: "Questions that changed sides", columns: COLUMNS, rows: questions, key: ({ id }) => id }) : nothing}
      ${questions.length < total ? button(`Show more: ${count(questions.length)} of ${count(total)}`, more) : nothing}</section>`;
  }
}
