// The leaderboard: every run in a line, with what it found and what can be done with it.

import { followed, link } from "../shared/address.js";
import { html, nothing } from "../shared/lit.js";
import { alarm, badge, button, iconButton, measured, part, percent, when, written } from "../shared/parts.js";
import { sorted } from "../shared/rows.js";
import { table } from "../shared/table.js";
import { count, counted } from "../shared/words.js";

/** @import {Example, Run} from "./types" */
/** @import {Icon} from "../shared/parts.js" */
/**
 * The page, of which this is a part.
 * @typedef {import("../shared/page.js").Page & {state: import("./types").State | null, sort: import("../shared/rows.js").Sort,
 *   failed: string | null, confirmation: import("../shared/confirmation.js").Confirmation, opened: (id: string) => unknown,
 *   resume: (run: Run) => unknown, remove: (run: Run) => void, example: (wanted: Example) => unknown}} Board
 */

/** @type {Record<Run["state"], [kind: string, shape: Icon]>} */
const STATES = {
  ...{ done: ["answer", "answer"], running: ["defer", "clock"] },
  ...{ stopped: ["abstain", "skip"], failed: ["abstain", "skip"] },
};
const SORTED = "Confidence and ECE are cross-fitted on each run's own answers, not by the active calibrator.";

/** @param {Board} page @param {Run[]} runs */
export function board(page, runs) {
  const sort = (/** @type {import("../shared/rows.js").Sort} */ sort) => {
    page.sort = sort;
    page.paint();
  };
  if (!runs.length) return empty(page);
  return html`<section class="cx-lab-card" aria-label="Leaderboard"><header class="cx-lab-head"><h2 class="cx-lab-title">${counted(runs.length, "run")}</h2>
      <span class=${page.state?.scoring ? "cx-progress" : "cx-hint"}>${page.state?.scoring ? "Measuring the runs" : SORTED}</span></header>
    ${alarm(page.failed)}${page.confirmation.view()}
    <div class="cx-lab-scroll">${table({
      kind: "cx-lab-table cx-runs",
      columns: columns(page),
      rows: sorted(runs, page.sort),
      key: ({ id }) => id,
      sort: page.sort,
      onsort: sort,
    })}</div></section>`;
}

/** @param {Board} page */
function empty(page) {
  const example = page.state?.example;
  return html`<section class="cx-lab-empty" aria-label="No run yet"><h2>Find out how often the model is right, and whether it knows</h2>
    <p>A run asks the model every question of a set, grades the answers, and measures which signals tell the right ones from the wrong ones. The Calibrate page turns a run into a confidence that means what it says.</p>
    ${example ? button(`Ask ${example.limit} questions of ${example.dataset}`, () => page.example(example), { kind: "primary" }) : nothing}</section>`;
}

/** @param {Board} page @returns {import("../shared/table.js").Column<Run>[]} */
function columns(page) {
  const sub = (/** @type {unknown} */ words, kind = "") =>
    html`<span class="cx-lab-sub ${kind}">${words}</span>`;
  const own = "of a confidence that is cross-fitted on the run's own answers; not the active calibrator's";
  return [
    {
      ...{ key: "name", label: "Run", head: true },
      cell: (run) =>
        html`<a href=${link({ run: run.id })} @click=${followed(() => page.opened(run.id))}>${written(run.name)}</a>${sub(
          written(run.model),
        )}${run.failure ? sub(written(run.failure), "cx-eval-failure") : nothing}`,
    },
    { key: "dataset", label: "Dataset", cell: ({ dataset }) => written(dataset) },
    {
      ...{ key: "done", label: "Questions", number: true },
      cell: ({ done, total, failed }) =>
        html`${part(done, total)}${failed ? sub(`${count(failed)} failed`) : nothing}`,
    },
    {
      ...{
        key: "accuracy",
        label: "Right",
        number: true,
        title: "Share of the graded answers that are right",
      },
      cell: ({ accuracy }) => percent(accuracy),
    },
    {
      ...{ key: "best_auroc", label: "Best signal", number: true },
      title: "AUROC of the signal that tells right from wrong best",
      cell: (run) => html`${figures(run, run.best_auroc)}${run.best ? sub(run.best) : nothing}`,
    },
    {
      key: "auroc",
      label: "Confidence",
      number: true,
      title: `AUROC ${own}`,
      cell: (run) => figures(run, run.auroc),
    },
    {
      ...{ key: "ece", label: "ECE", number: true, cell: (run) => figures(run, run.ece) },
      title: "Expected calibration error of that cross-fitted confidence, 15 bins of equal mass",
    },
    { key: "state", label: "State", cell: (run) => state(run, page) },
    { key: "created", label: "Date", number: true, cell: ({ created }) => when(created) },
    {
      ...{ key: "act", label: "Delete", fixed: true, hidden: true, kind: "cx-act" },
      cell: (run) =>
        run.state === "running"
          ? nothing
          : iconButton("close", `Delete ${run.name}`, () => page.remove(run), {
              title: "Delete",
              act: `delete ${run.id}`,
            }),
    },
  ];
}

/** @param {Run} run @param {Board} page */
function state(run, page) {
  const shown = badge(STATES[run.state][0], STATES[run.state][1], run.state);
  if (!run.resumable) return shown;
  const go = async (/** @type {Event} */ event) => {
    const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
    button.disabled = true;
    await page.resume(run);
    button.disabled = false;
  };
  return html`<span class="cx-lab-state">${shown}${button("Go on", go, { label: `Go on with ${run.name}`, act: `resume ${run.id}` })}</span>`;
}

/** @param {Run} run @param {number | null} value */
function figures(run, value) {
  if (value === null && run.note) return html`<span title=${run.note}>–</span>`;
  return value === null && run.scoring
    ? html`<span class="cx-muted" title="being measured">…</span>`
    : measured(value);
}
