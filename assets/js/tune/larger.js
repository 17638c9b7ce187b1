// A larger model, asked where the first one's answer is deferred: whether, and what it brings on a run of its own.

import { fieldOf } from "../shared/events.js";
import { choice } from "../shared/form.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, hint, metric, percent, written } from "../shared/parts.js";
import { column, table } from "../shared/table.js";
import { count, counted } from "../shared/words.js";

/** @import {Policy} from "../shared/types" */
/** @import {Cascade, CascadeSide, Opened, Run} from "./types" */

const FROM = 0.5; // the threshold of a larger model that was just turned on
const NONE = "";
const SIDES = /** @type {const} */ ([
  ["first", "First alone"],
  ["together", "Together"],
  ["larger", "Larger alone"],
]);

/** @extends {Part<import("./page.js").Tune>} */
export class Larger extends Part {
  /** @type {string} The run that was chosen. */
  run = this.page.kept.larger ?? NONE;
  /** @type {Cascade | null} */
  shown = null;

  /** What the server is asked to show beside a run; null: nothing. @param {Policy} policy @param {Opened} opened */
  wanted(policy, opened) {
    const run = this.#chosen(opened);
    if (!asks(policy) || run === NONE) return null;
    return { run, key: this.shown?.run === run ? this.shown.key : null };
  }

  /** Runs of other models, those of the same dataset first. @param {Opened | null} opened @returns {Run[]} */
  #runs(opened) {
    if (!opened) return [];
    const { dataset, model } = opened.run;
    const others = (this.page.state?.runs ?? []).filter((one) => one.model !== model);
    const alike = (/** @type {Run} */ one) => one.dataset === dataset;
    return [...others.filter(alike), ...others.filter((one) => !alike(one))];
  }

  /** @param {Opened | null} opened */
  #chosen(opened) {
    const runs = this.#runs(opened);
    const alike = runs.find(({ dataset }) => dataset === opened?.run.dataset);
    return (runs.find(({ id }) => id === this.run) ?? alike)?.id ?? NONE;
  }

  /** Whether it is asked, and on which run that is seen. @param {Policy} policy @param {Opened | null} opened */
  side(policy, opened) {
    const { page } = this;
    const turn = (/** @type {Event} */ event) =>
      page.moveTo({ ...policy, larger_above: fieldOf(event).checked ? FROM : null }, null);
    const change = (/** @type {string} */ run) => {
      this.run = run;
      page.keep();
      page.ask();
    };
    const runs = /** @type {[string, string][]} */ (
      this.#runs(opened).map(({ id, name, graded }) => [id, `${name} · ${count(graded)} graded`])
    );
    const chosen = this.#chosen(opened);
    if (runs.length && chosen === NONE) runs.unshift([NONE, "Choose a run"]);
    const pick = runs.length
      ? html`<label for="cx-larger-run">Shown on its run</label>${choice(runs, { id: "cx-larger-run", value: chosen, change })}`
      : hint("Evaluate the larger model on this dataset to see here what it brings.");
    return html`<section class="cx-card cx-body" aria-label="Larger model"><h2>Larger model</h2>
      <label class="cx-check" title="larger_above: before a person is, where the answer would be deferred"><input type="checkbox" .checked=${live(asks(policy))} @change=${turn}>Ask it before a person</label>
      ${asks(policy) ? pick : nothing}</section>`;
  }

  /** That the outcome is not of both models. @param {Policy} policy */
  alone(policy) {
    return asks(policy) ? hint("The first model alone:") : nothing;
  }

  /** What both models do together, beside each alone. @param {Policy} policy @param {Opened | null} opened */
  view(policy, opened) {
    const { shown } = this;
    if (!asks(policy) || !shown || shown.run !== this.#chosen(opened)) return nothing;
    return html`<section class="cx-card cx-body" aria-label="With the larger model"><h2>With the larger model</h2>
      ${shown.error === null ? results(shown) : alarm(shown.error)}</section>`;
  }
}

/** Whether a policy asks a larger model. @param {Policy} policy */
function asks({ larger_above: from }) {
  return from !== null && from !== undefined;
}

/** @param {Extract<Cascade, {error: null}>} shown */
function results(shown) {
  const { asked, by_larger: given, deferred, questions, model, calibrator, seen } = shown;
  /** @type {[string, string, (side: CascadeSide) => unknown][]} */
  const rows = [
    ["answered", "", ({ coverage }) => percent(coverage)],
    [
      "correct among answered",
      "95% interval by Wilson's score",
      ({ accuracy, interval }) => percent(accuracy, interval),
    ],
    ["seconds per question", "mean, as measured in the two runs", ({ seconds }) => metric(seconds, "s")],
  ];
  const columns = [
    column("name", "Metric", (/** @type {typeof rows[number]} */ [name]) => name, {
      head: true,
      hidden: true,
      exact: ([, title]) => title || null,
    }),
    ...SIDES.map(([side, label]) =>
      column(side, label, (/** @type {typeof rows[number]} */ [, , value]) => value(shown[side])),
    ),
  ];
  const fitted = seen ? ", which was fitted on a part of these questions: new ones may do worse" : "";
  const how = calibrator ? html`calibrated by ${written(calibrator)}${fitted}` : "not calibrated";
  return html`<p aria-live="polite"><b class="cx-large">${percent(asked / questions)}</b> of ${counted(questions, "question")} ask it: ${count(given)} get its answer, ${count(deferred)} go to a person.</p>
    ${table({ kind: "cx-compare", caption: "Both models together, and each alone", columns, rows, key: ([name]) => name })}
    <p class="cx-muted cx-small">${written(model)}, ${how}. Alone, each answers by its own threshold. Nothing is guaranteed of two models together.</p>`;
}
