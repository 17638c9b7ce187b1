// The questions that are decided otherwise, and which way.

import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { button, decision, icon, percent, reveal, segments, unseen } from "../shared/parts.js";
import { column, table } from "../shared/table.js";
import { count, counted } from "../shared/words.js";

/** @import {Column} from "../shared/types" */
/** @import {Change, Changes as Shown} from "./types" */

const MORE = 100;

/** @param {Change} change */
function answered({ question, text }) {
  return html`<bdi class="cx-block">${reveal(question)}</bdi><bdi class="cx-clamp cx-sub" title=${text}>${reveal(text)}</bdi>`;
}

/** @param {Change} change */
function way({ from, to }) {
  return html`<span class="cx-row tight">${decision(from)}${icon("go")}${unseen(" to ")}${decision(to)}</span>`;
}

/** @param {Change} change */
function truth({ correct }) {
  const [name, shape] = correct ? ["correct", "answer"] : ["incorrect", "close"];
  return html`<span class="cx-row tight cx-truth ${name}">${icon(/** @type {any} */ (shape))}${name}</span>`;
}

/** @type {Column<Change>[]} */
const COLUMNS = [
  column("question", "Question and answer", answered, { head: true }),
  column("changed", "Changed", way),
  column("correct", "Answer is", truth),
  column("confidence", "Confidence", ({ confidence }) => percent(confidence)),
];

/** @extends {Part<import("./page.js").Tune>} */
export class Changes extends Part {
  /** @type {Shown | null} */
  shown = null;
  /** What they are counted from: "movement" or "other". */
  since = "movement";
  /** What the other policy is called. */
  other = "";
  limit = this.page.config.shown;

  #again(/** @type {object} */ change) {
    Object.assign(this, change);
    this.page.ask();
  }

  view() {
    const { total = 0, moves = [], questions = [] } = this.shown ?? {};
    const since = segments({
      ...{ name: "cx-since", legend: "Counted from", value: this.since },
      options: [
        ["movement", "last move"],
        ["other", this.other ? `against ${this.other}` : "the other policy"],
      ],
      change: (since) => this.#again({ since, limit: this.page.config.shown }),
    });
    const more = () => this.#again({ limit: this.limit + MORE });
    const lines = moves.map(
      ({
        from,
        to,
        count: all,
        correct,
      }) => html`<li class="cx-row tight">${decision(from)}${icon("go")}${decision(to)}<span class="cx-num">${count(all)}</span><span
        class="cx-muted cx-num">${count(correct)} correct, ${count(all - correct)} incorrect</span></li>`,
    );
    const caption = "Questions whose decision changed";
    return html`<section class="cx-card cx-body" aria-label="Changed decisions">
      <header class="cx-row wrap between"><h2>${total ? `${counted(total, "decision")} changed` : "No decision changed"}</h2>${since}</header>
      <ul class="cx-row wrap loose" ?hidden=${!lines.length}>${lines}</ul>
      ${total ? table({ caption, columns: COLUMNS, rows: questions, key: ({ id }) => id }) : nothing}
      ${questions.length < total ? html`<div>${button(`Show more: ${count(questions.length)} of ${count(total)}`, more)}</div>` : nothing}</section>`;
  }
}
