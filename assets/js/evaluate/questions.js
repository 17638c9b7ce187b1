// The questions of a run, in pages: filtered by how they were answered, sorted, each to be opened.

import { followed, link } from "../shared/address.js";
import { textOf } from "../shared/events.js";
import { html, live } from "../shared/lit.js";
import { having, Part } from "../shared/page.js";
import { alarm, badge, bar, copied, iconButton, muted, percent, segments, written } from "../shared/parts.js";
import { column, pager, table } from "../shared/table.js";
import { count } from "../shared/words.js";

/** @import {Line, Lines, Only} from "./types" */

const FILTERS = ["all", "incorrect", "correct", "not graded", "by a person"];
const CROSSFITTED = "Cross-fitted on this run's own answers; estimated where that is not available";
/** @type {Lines} */
const NONE = { rows: [], total: 0, first: 0, size: 1, counts: {}, only: "" };

/** A verdict in a word. @param {boolean | null} correct */
const word = (correct) => (correct === null ? "not graded" : correct ? "correct" : "incorrect");

/**
 * What counts of a question, as colour, icon and word; a person's verdict beside the grader's.
 * @param {{correct: boolean | null, error: string, by_person: boolean, grader_correct: boolean | null}} line
 */
export function grade({ correct, error, by_person, grader_correct }) {
  const words = error ? "failed" : word(correct);
  /** @type {["defer", "skip"] | ["answer", "answer"] | ["abstain", "close"]} */
  const [kind, shape] =
    correct === null ? ["defer", "skip"] : correct ? ["answer", "answer"] : ["abstain", "close"];
  return [
    badge(kind, shape, words),
    by_person ? muted(` · by a person grader: ${word(grader_correct)}`) : null,
  ];
}

/** @extends {Part<import("./page.js").Evaluate>} */
export class Questions extends Part {
  /** @type {string | null} */
  run = null;
  /** @type {string | null} The question that is open. */
  opened = null;
  /** @type {string | null} */
  failed = null;
  filter = "all";
  search = "";
  note = "";
  /** @type {Only | null} What the list is limited to. */
  only = null;
  at = 0;
  sort = { key: "", down: false };
  /** @type {object | null} The lines that are on their way. */
  wanted = null;
  lines = NONE;

  /** Show the questions of a run, from the beginning. @param {string} run */
  show(run) {
    if (this.run !== run)
      Object.assign(this, { run, filter: "all", search: "", only: null, at: 0, opened: null, lines: NONE });
    return this.look();
  }

  /** Read the lines that are wanted, after a change or again; whether they came and are still wanted. @param {object} [change] */
  async look(change) {
    // What was copied stays said while the same lines are read again.
    if (change) Object.assign(this, { note: "" }, change);
    const wanted = this.asked;
    this.set({ wanted });
    const { value, error } = await this.page.call("questions", wanted);
    if (this.wanted !== wanted) return false; // asked for other lines since
    this.set({ wanted: null, failed: error?.message ?? null, lines: value ?? this.lines });
    return Boolean(value);
  }

  get asked() {
    const { run, filter, search, only, at, sort } = this;
    return { run, filter, search, only, page: at, sort: sort.key || null, down: sort.down };
  }

  /** Copy all that match. */
  async copy() {
    const { value, error } = await this.page.call("copied", this.asked);
    if (value) await copied(value.text);
    this.set({ failed: error?.message ?? null, note: value?.note ?? "" });
  }

  /** Move the keyboard to a question. @param {string} id */
  focus(id) {
    this.page.focus(`.cx-questions ${having("data-row", id)} a`, ".cx-questions tbody a");
  }

  /** The question before or after another one, turning the page where it must; null at the ends. @param {string} id @param {number} step */
  async beside(id, step) {
    const next = this.lines.rows[this.lines.rows.findIndex((row) => row.id === id) + step];
    if (next) return next.id;
    const at = this.shown + step;
    if (at < 0 || at >= this.pages || !(await this.look({ at }))) return null;
    return this.lines.rows.at(step > 0 ? 0 : -1)?.id ?? null;
  }

  get shown() {
    return this.lines.first / this.lines.size;
  }

  get pages() {
    return Math.max(1, Math.ceil(this.lines.total / this.lines.size));
  }

  view() {
    const { rows, total, first, counts, only } = this.lines;
    const amount = (/** @type {string} */ key) =>
      html`<small class="cx-num">${key in counts ? count(counts[key]) : ""}</small>`;
    const filters = segments({
      ...{ name: "cx-question-filter", legend: "Show", value: this.filter },
      options: FILTERS.map((key) => [key, html`${key} ${amount(key)}`]),
      change: (filter) => this.look({ filter, at: 0 }),
    });
    const lines = table({
      ...{
        kind: "cx-questions",
        columns: this.#columns(),
        rows,
        key: ({ id }) => id,
        busy: Boolean(this.wanted),
      },
      ...{
        sort: this.sort,
        onsort: (sort) => this.look({ sort, at: 0 }),
        marks: ({ id }) => ({ here: id === this.opened }),
      },
    });
    const turn = (/** @type {number} */ at) => this.look({ at });
    const place = { first, shown: rows.length, total, page: this.shown, pages: this.pages };
    const typed = (/** @type {Event} */ event) => this.look({ search: textOf(event), at: 0 });
    const search = html`<input class="cx-input" type="search" aria-label="Search questions and answers" placeholder="Search" .value=${live(this.search)} @input=${typed}>`;
    const copy = iconButton("copy", "Copy as table", () => this.copy(), {
      title: "Copy all that match as a table",
    });
    return html`<section class="cx-card" aria-label="Questions"><header class="cx-head"><h2 class="cx-title">Questions</h2>${search}${copy}</header>
      <div class="cx-toolbar cx-row wrap">${filters}<span class="cx-muted" role="status">${this.note}</span></div>
      ${only ? this.page.slices.only(only) : null}${alarm(this.failed)}<div class="cx-scroll">${lines}</div>
      <p class="cx-hint cx-none" ?hidden=${total > 0 || this.lines === NONE}>No question matches.</p>
      ${pager({ label: "Pages of the questions", ...place, turn })}</section>`;
  }

  /** @returns {import("../shared/types").Column<Line>[]} */
  #columns() {
    const question = (/** @type {Line} */ { id, question }) =>
      html`<a class="cx-clamp cx-link" href=${link({ run: this.run, question: id })} @click=${followed(() => this.page.read(id, true))}>${written(question)}</a>`;
    const answer = (/** @type {Line} */ { error, answer }) =>
      html`<span class="cx-clamp">${error ? muted(written(error)) : written(answer)}</span>`;
    const confidence = (/** @type {Line} */ { confidence }) =>
      html`<span class="cx-row cx-confidence-bar">${confidence === null ? null : bar(confidence, "accent")}${percent(confidence)}</span>`;
    return [
      column("question", "Question", question, { head: true }),
      column("answer", "Answer", answer),
      column("correct", "Graded", grade),
      column("confidence", "Confidence", confidence, { number: true, title: CROSSFITTED }),
    ];
  }
}
