// The leaderboard: every run in a line, with what it found and what can be done with it.

import { followed, link } from "../shared/address.js";
import { ownerOf } from "../shared/events.js";
import { html, nothing } from "../shared/lit.js";
import {
  alarm,
  badge,
  button,
  hint,
  iconButton,
  measured,
  percent,
  when,
  working,
  written,
} from "../shared/parts.js";
import { sorted } from "../shared/rows.js";
import { column, table } from "../shared/table.js";
import { count, counted } from "../shared/words.js";

/** @import {Column, Sort} from "../shared/types" */
/** @import {Icon} from "../shared/parts.js" */
/** @import {Run} from "./types" */
/** @typedef {import("./page.js").Evaluate} Page */

/** @type {Record<Run["state"], [kind: string, shape: Icon]>} */
const STATES = {
  ...{ done: ["answer", "answer"], running: ["defer", "clock"] },
  ...{ stopped: ["abstain", "skip"], failed: ["abstain", "skip"] },
};
const SORTED =
  "Confidence and ECE are cross-fitted on each run's own answers, not from the active calibrator.";

/** @param {Page} page @param {Run[]} runs */
export function board(page, runs) {
  if (!runs.length) return empty(page);
  const { sort, state } = page;
  const onsort = (/** @type {Sort} */ sort) => page.set({ sort });
  const lines = { columns: columns(page), rows: sorted(runs, sort), key: (/** @type {Run} */ { id }) => id };
  return html`<section class="cx-card" aria-label="Leaderboard"><header class="cx-head"><h2 class="cx-title">${counted(runs.length, "run")}</h2>${
    state?.scoring ? working("Measuring the runs") : hint(SORTED)
  }</header>${alarm(page.failed)}${page.confirmation.view()}
    <div class="cx-scroll">${table({ kind: "cx-runs", ...lines, sort, onsort })}</div></section>`;
}

/** @param {Page} page */
function empty(page) {
  const example = page.state?.example;
  const start = () =>
    example &&
    button(`Ask ${example.limit} questions from ${example.dataset}`, () => page.example(example), {
      kind: "primary",
    });
  return html`<section class="cx-empty" aria-label="No run yet"><h2>Find out how often the model is correct, and whether it knows</h2>
    <p>A run asks the model every question of a dataset, grades the answers, and measures which signals tell correct answers from incorrect ones. The Calibrate page turns a run into a confidence you can rely on.</p>
    ${start() ?? nothing}</section>`;
}

/** @param {unknown} words */
function sub(words, kind = "") {
  return html`<span class="cx-sub ${kind}">${words}</span>`;
}

/** @param {Page} page @returns {Column<Run>[]} */
function columns(page) {
  const name = (/** @type {Run} */ run) =>
    html`<a class="cx-link" href=${link({ run: run.id })} @click=${followed(() => page.opened(run.id))}>${written(run.name)}</a>${sub(written(run.model))}${run.failure ? sub(written(run.failure), "cx-bad") : nothing}`;
  const done = (/** @type {Run} */ { done, total, failed }) =>
    html`${done < total ? `${count(done)} of ${count(total)}` : count(total)}${failed ? sub(`${count(failed)} failed`) : nothing}`;
  const best = (/** @type {Run} */ run) =>
    html`${metricOf(run, run.best_auroc)}${run.best ? sub(run.best) : nothing}`;
  const act =
    (/** @type {Icon} */ shape, /** @type {string} */ words, /** @type {(run: Run) => void} */ press) =>
    (/** @type {Run} */ run) =>
      iconButton(shape, `${words} ${run.name}`, () => press(run), {
        title: words,
        act: `${words.toLowerCase()} ${run.id}`,
      });
  const rename = act("edit", "Rename", (run) => page.rename(run));
  const extend = act("plus", "Extend", (run) => page.extend(run));
  const remove = act("close", "Delete", (run) => page.remove(run));
  const number = true;
  const metric = (/** @type {string} */ key, /** @type {(run: Run) => unknown} */ cell) => {
    const { name, says } = page.config.board[key];
    return column(key, name, cell, { number, title: says });
  };
  return [
    column("name", "Run", name, { head: true }),
    column("dataset", "Dataset", ({ dataset }) => written(dataset)),
    column("done", "Questions", done, { number }),
    metric("accuracy", ({ accuracy }) => percent(accuracy)),
    metric("best_auroc", best),
    metric("auroc", (run) => metricOf(run, run.auroc)),
    metric("ece", (run) => metricOf(run, run.ece)),
    column("state", "State", (run) => state(run, page)),
    column("created", "Date", ({ created }) => when(created), { number }),
    column(
      "act",
      "Extend, rename or delete",
      (run) =>
        html`<span class="cx-row tight">${run.extendable ? extend(run) : nothing}${rename(run)}${run.state === "running" ? nothing : remove(run)}</span>`,
      {
        fixed: true,
        hidden: true,
        kind: "cx-act",
      },
    ),
  ];
}

/** @param {Run} run @param {Page} page */
function state(run, page) {
  const shown = badge(STATES[run.state][0], STATES[run.state][1], run.state);
  if (!run.resumable) return shown;
  const resume = async (/** @type {Event} */ event) => {
    const pressed = /** @type {HTMLButtonElement} */ (ownerOf(event));
    pressed.disabled = true;
    await page.resume(run);
    pressed.disabled = false;
  };
  return html`<span class="cx-row wrap tight">${shown}${button("Resume", resume, { label: `Resume ${run.name}`, act: `resume ${run.id}` })}</span>`;
}

/** @param {Run} run @param {number | null} value */
function metricOf(run, value) {
  if (value === null && run.note) return html`<span title=${run.note}>–</span>`;
  if (value === null && run.scoring) return html`<span class="cx-muted" title="being measured">…</span>`;
  return measured(value);
}
