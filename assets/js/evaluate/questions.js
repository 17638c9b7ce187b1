// The questions of a run, in pages: filtered by how they were answered, sorted, each to be opened.

import { followed, link } from "../shared/address.js";
import { html } from "../shared/lit.js";
import { having } from "../shared/page.js";
import { alarm, badge, bar, measured, segments, written } from "../shared/parts.js";
import { pager, table } from "../shared/table.js";
import { count } from "../shared/words.js";

/** @import {Line, Lines} from "./types" */

const FILTERS = [
  ["all", "all"],
  ["wrong", "wrong"],
  ["right", "right"],
  ["ungraded", "not graded"],
];
const CROSSFITTED =
  "Cross-fitted on this run's own answers; the heuristic while that is not measured, or cannot be";
/** @type {Lines} */
const NONE = { rows: [], total: 0, first: 0, size: 1, counts: {} };

/** What the grader says of a question, as colour, icon and word. @param {{right: boolean | null, error: string}} line */
export function verdict({ right, error }) {
  if (right === null) return badge("defer", "skip", error ? "failed" : "not graded");
  return right ? badge("answer", "answer", "right") : badge("abstain", "close", "wrong");
}

export class Questions {
  /** @type {string | null} */
  run = null;
  /** @type {string | null} The question that is open. */
  opened = null;
  /** @type {string | null} */
  failed = null;
  filter = "all";
  page = 0;
  sort = { key: "", down: false };
  /** @type {object | null} The lines that are on their way. */
  wanted = null;
  lines = NONE;

  /** @param {import("../shared/page.js").Page} host @param {(id: string) => void} open */
  constructor(host, open) {
    this.host = host;
    this.open = open;
  }

  /** Show the questions of a run, from the beginning. @param {string} run */
  show(run) {
    if (this.run !== run) Object.assign(this, { run, filter: "all", page: 0, opened: null, lines: NONE });
    return this.look();
  }

  /** Read the lines that are wanted; whether they came and are still wanted. */
  async look() {
    const { run, filter, page, sort } = this;
    const wanted = { run, filter, page, sort: sort.key || null, down: sort.down };
    this.wanted = wanted;
    this.host.paint();
    const { value, error } = await this.host.call("questions", wanted);
    if (this.wanted !== wanted) return false; // asked for other lines since
    Object.assign(this, { wanted: null, failed: error?.message ?? null, lines: value ?? this.lines });
    this.host.paint();
    return Boolean(value);
  }

  /** Move the keyboard to a question. @param {string} id */
  focus(id) {
    this.host.focus(`.cx-questions ${having("data-row", id)} a`, ".cx-questions tbody a");
  }

  /** The question before or after another one, turning the page where it must; null at the ends. @param {string} id @param {number} step */
  async beside(id, step) {
    const next = this.lines.rows[this.lines.rows.findIndex((row) => row.id === id) + step];
    if (next) return next.id;
    const page = this.shown + step;
    if (page < 0 || page >= this.pages || !(await this.#turn({ page }))) return null;
    return this.lines.rows.at(step > 0 ? 0 : -1)?.id ?? null;
  }

  get shown() {
    return this.lines.first / this.lines.size;
  }

  get pages() {
    return Math.max(1, Math.ceil(this.lines.total / this.lines.size));
  }

  /** @param {object} change */
  #turn(change) {
    Object.assign(this, change);
    return this.look();
  }

  view() {
    const { rows, total, first, counts } = this.lines;
    const options = /** @type {[string, unknown][]} */ (
      FILTERS.map(([key, words]) => [
        key,
        html`${words} <small class="cx-num">${key in counts ? count(counts[key]) : ""}</small>`,
      ])
    );
    return html`<section class="cx-lab-card" aria-label="Questions">
      <header class="cx-lab-head"><h2 class="cx-lab-title">Questions</h2>${segments({
        name: "cx-question-filter",
        legend: "Show",
        options,
        value: this.filter,
        change: (filter) => this.#turn({ filter, page: 0 }),
      })}</header>
      ${alarm(this.failed)}
      <div class="cx-lab-scroll">${table({
        kind: "cx-lab-table cx-questions",
        columns: this.#columns(),
        rows,
        key: ({ id }) => id,
        busy: Boolean(this.wanted),
        sort: this.sort,
        onsort: (sort) => this.#turn({ sort, page: 0 }),
        marks: ({ id }) => ({ here: id === this.opened }),
      })}</div>
      <p class="cx-hint cx-lab-none" ?hidden=${total > 0 || this.lines === NONE}>No question was answered like that.</p>
      ${pager({ label: "Pages of the questions", first, shown: rows.length, total, page: this.shown, pages: this.pages, turn: (page) => this.#turn({ page }) })}
    </section>`;
  }

  /** @returns {import("../shared/table.js").Column<Line>[]} */
  #columns() {
    return [
      {
        ...{ key: "question", label: "Question", head: true },
        cell: ({ id, question }) =>
          html`<a href=${link({ run: this.run, question: id })} @click=${followed(() => this.open(id))}>${written(question)}</a>`,
      },
      {
        ...{ key: "answer", label: "Answer" },
        cell: ({ error, answer }) =>
          error ? html`<span class="cx-muted">${written(error)}</span>` : written(answer),
      },
      { key: "right", label: "Graded", cell: verdict },
      {
        ...{ key: "confidence", label: "Confidence", number: true, title: CROSSFITTED },
        cell: ({ confidence }) =>
          html`<span class="cx-eval-confidence">${confidence !== null && bar(confidence, "accent")}${measured(confidence)}</span>`,
      },
    ];
  }
}
