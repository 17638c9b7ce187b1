// Two runs side by side: what differs, and the questions that one, both or neither answers correctly.

import { followed, link } from "../shared/address.js";
import { explained } from "../shared/explained.js";
import { choice } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, iconButton, measured, segments, working, written } from "../shared/parts.js";
import { column, pager, scrolled, table } from "../shared/table.js";
import { count } from "../shared/words.js";

/** @import {Compared} from "./types" */

const WAIT = 1000; // milliseconds between two looks while a run is being measured

/** @extends {Part<import("./page.js").Evaluate>} */
export class Comparison extends Part {
  /** @type {[string, string][]} The runs that the opened one can be compared with. */
  others = [];
  /** @type {string | null} The run that is compared with. */
  against = null;
  /** @type {Compared | null} */
  shown = null;
  /** @type {string | null} */
  failed = null;
  /** @type {object | null} What is on its way. */
  wanted = null;
  show = "gained";
  at = 0;

  /** Offer what a run can be compared with, and compare it with one. @param {string} run @param {string | null} against */
  async open(run, against) {
    this.set({ others: [] });
    this.with(against);
    const { value } = await this.page.call("others", { run });
    if (value && run === this.page.open) this.set({ others: value });
  }

  /** Compare with another run, or with none. @param {string | null} against */
  with(against) {
    Object.assign(this, { against, shown: null, failed: null, show: "gained", at: 0 });
    return this.look();
  }

  /** Read it again, after a change. @param {object} change */
  async look(change = {}) {
    const { against, show, at } = Object.assign(this, change);
    const wanted = against && { run: this.page.open, against, show, page: at };
    this.set({ wanted });
    if (!wanted) return;
    const { value, error } = await this.page.call("compare", wanted);
    if (this.wanted !== wanted) return;
    this.set({ wanted: null, shown: value ?? this.shown, failed: error?.message ?? null });
    if (value?.computing) setTimeout(() => this.wanted || this.shown !== value || this.look(), WAIT);
  }

  /** The choice of a run to compare with. */
  choice() {
    if (!this.others.length) return nothing;
    const change = (/** @type {string} */ against) => this.page.compare(against || null);
    return choice([["", "Compare with …"], ...this.others], {
      ...{ label: "Compare with", value: this.against ?? "", change },
    });
  }

  view() {
    const { shown, failed } = this;
    if (!this.against) return nothing;
    const close = iconButton("close", "Close the comparison", () => this.page.compare(null));
    return html`<section class="cx-card" aria-label="Comparison"><header class="cx-head"><h2 class="cx-title">${shown ? ["Against ", written(shown.names[0])] : "…"}</h2>${close}</header>
      ${alarm(failed)}${shown?.computing ? html`<p class="cx-body">${working("Measuring the confidence of both runs")}</p>` : shown && this.#found(shown)}</section>`;
  }

  /** @param {Compared} shown */
  #found({ names, summary, metrics, outcomes, rows, total, first, size }) {
    const [before, now] = names.map((name) => html`<span class="cx-clamp">${written(name)}</span>`);
    const number = { number: true };
    const value = (/** @type {"first" | "second"} */ name) => (/** @type {Compared["metrics"][0]} */ row) =>
      measured(row[name]);
    const compared = scrolled(
      "Metrics of both runs",
      [
        column("name", "", (metric) => explained(metric), { head: true }),
        column("first", before, value("first"), number),
        column("second", now, value("second"), number),
        column(
          "difference",
          "Difference, 95% interval",
          (row) => measured(row.difference, row.interval),
          number,
        ),
      ],
      metrics,
      ({ key }) => key,
    );
    const show = segments({
      ...{ name: "cx-outcome", legend: "Show the questions", value: this.show },
      options: outcomes.map(([key, words, of]) => [
        key,
        html`${key} <small class="cx-num">${count(of)}</small>`,
        words,
      ]),
      change: (show) => this.look({ show, at: 0 }),
    });
    const question = (/** @type {Compared["rows"][0]} */ { id, question }) =>
      html`<a class="cx-clamp cx-link" href=${link({ run: this.page.open, question: id })} @click=${followed(() => this.page.read(id, true))}>${written(question)}</a>`;
    const lines = table({
      columns: [
        column("question", "Question", question, { head: true }),
        column("before", before, ({ first }) => html`<span class="cx-clamp">${written(first)}</span>`),
        column("now", now, ({ second }) => html`<span class="cx-clamp">${written(second)}</span>`),
      ],
      ...{ rows, key: ({ id }) => id, busy: Boolean(this.wanted) },
    });
    const [page, pages] = [first / size, Math.max(1, Math.ceil(total / size))];
    const turn = (/** @type {number} */ at) => this.look({ at });
    return html`<p class="cx-body cx-compared" role="status">${written(summary)}</p>
      ${compared}<div class="cx-toolbar cx-row wrap">${show}</div><div class="cx-scroll">${lines}</div>
      <p class="cx-hint cx-none" ?hidden=${total > 0}>No question.</p>${pager({ label: "Pages of the comparison", first, shown: rows.length, total, page, pages, turn })}`;
  }
}
