// What a training made: whether it helps, what to do next, and those that are saved.

import { link } from "../shared/address.js";
import { html, nothing } from "../shared/lit.js";
import { exact, hint, icon, range, when, written } from "../shared/parts.js";
import { column, scrolled } from "../shared/table.js";
import {
  heading,
  madeOf,
  metricColumns,
  saved as savedVersions,
  VersionCard,
  warning,
} from "../shared/versions.js";
import { count, fixed } from "../shared/words.js";

/** @import {Adapter, Gain, Kind, Probes, Row, Verifier} from "./types" */

const LONG = 120; // characters; a longer fact stands below its name
const AUROC = "the chance that a correct answer ranks above an incorrect one; 0.5 is guessing";
const HINT =
  "Cross-fitted: no answer is scored by a probe that was trained on it. Brackets are 95% intervals. With the dataset left out, the probe was trained on the others alone.";
const CROSSFITTED =
  "Of the same answers, those that it was trained on: each is scored by an adapter or readout that did not see it. Brackets are 95% intervals.";

/** A difference of AUROCs. @param {import("../shared/words.js").Value} value */
function signed(value) {
  return value === null || value === undefined ? "n/a" : `${value > 0 ? "+" : ""}${fixed(value, 3)}`;
}

/** @param {Gain | null} gain */
function gained(gain) {
  if (!gain) return html`<span class="cx-muted">n/a</span>`;
  const { value, low, high } = gain;
  return exact(
    value,
    [signed(value), range([low, high], signed)],
    `${value}, 95% interval ${low} to ${high}`,
  );
}

const COLUMNS = [
  column("dataset", "Dataset", (/** @type {Row} */ { dataset }) => written(dataset), { head: true }),
  column("answers", "Answers", (/** @type {Row} */ { answers }) => count(answers), { number: true }),
  column("signals", "Signals, AUROC", (/** @type {Row} */ row) => exact(row.signals, fixed(row.signals, 3)), {
    number: true,
    title: `The combined signals without the probe: ${AUROC}.`,
  }),
  column("probe", "Probe, AUROC", (/** @type {Row} */ row) => exact(row.probe, fixed(row.probe, 3)), {
    number: true,
    title: `The probe by itself: ${AUROC}.`,
  }),
  column("gain", "Gain", (/** @type {Row} */ { gain }) => gained(gain), {
    number: true,
    title: "AUROC of signals and probe together, minus that of the signals.",
  }),
  column("left_out", "Gain, left out", (/** @type {Row} */ row) => gained(row.left_out), {
    number: true,
    title: "The gain on this dataset where the probe was trained on the others alone; n/a: not measured.",
  }),
];

/** @extends {VersionCard<import("./page.js").Train>} */
export class Card extends VersionCard {
  /** @param {import("./page.js").Train} page */
  constructor(page) {
    super(page, ".cx-trained", "Delete a version");
  }

  /** @param {Probes | Verifier} shown */
  view(shown) {
    const { kind, helps, advice, mismatch, run, facts } = shown;
    const back = this.page.state?.back?.[kind] ?? false;
    const more = run ? this.#next(shown, run) : nothing;
    return html`<section class="cx-card cx-body cx-trained" aria-label=${LABELS[kind]}>
      ${heading(shown)}
      ${mismatch ? warning(written(mismatch)) : nothing}
      <p class="cx-note cx-row ${helps ? "good" : "warning"}" role="status">${icon(helps ? "answer" : "defer")}<span>${advice}</span></p>
      ${this.actions(shown, { back, more, rest: { kind } })}
      ${kind === "probe" ? added(shown) : this.#compared(shown)}
      <h3>Trained on</h3>${madeOf(facts, LONG)}</section>`;
  }

  /** What to do next with it. @param {Probes | Verifier} shown @param {string} run */
  #next(shown, run) {
    const { kind, version } = shown;
    const words = kind === "probe" ? "Calibrate with them" : "Calibrate with it";
    const calibrate = html`<a class="cx-button small" href=${link({ run }, "calibrate")}>${words}</a>`;
    if (kind === "probe" || shown.verified) return calibrate;
    return this.act("verify", "Verify its runs", {
      title: "Put what it says of their answers into its runs, so that a calibrator can be fitted on it",
      disabled: this.page.running || Boolean(this.page.state?.busy),
      run: () => this.page.begin("verify", { version }),
    });
  }

  /** @param {Verifier} shown */
  #compared({ rows }) {
    const columns = metricColumns("P(True)", this.page.config.metrics);
    return html`<h3>Before and after</h3>${scrolled("Before and after the training", columns, rows, ({ label }) => label)}${hint(CROSSFITTED)}`;
  }
}

/** What the probes add, dataset by dataset. @param {Probes} shown */
function added({ rows }) {
  if (!rows.length) return nothing;
  return html`<h3>What they add</h3>${scrolled("What the probe adds, by dataset", COLUMNS, rows, ({ dataset }) => dataset)}${hint(HINT)}`;
}

/** Those that are saved. @param {(Probes | Verifier | Adapter)[]} list @param {string | null} shown @param {(version: string) => void} open */
export function saved(list, shown, open) {
  const told = (/** @type {Probes | Verifier | Adapter} */ one) => {
    if ("state" in one) {
      const kind = one.kind === "answerer" ? "answers" : "confidence";
      return html`${kind}${one.state === "unfinished" ? " · unfinished" : nothing}`;
    }
    if (one.kind === "verifier") return html`verifier · AUROC ${exact(one.auroc, fixed(one.auroc, 3))}`;
    const { gain } = one;
    return html`probes${gain ? html` · gain ${exact(gain.value, signed(gain.value))}` : nothing}`;
  };
  const about = (/** @type {Probes | Verifier | Adapter} */ one) => html`${told(one)} · ${when(one.created)}`;
  return savedVersions({ label: "Saved versions", list, shown, open, about });
}

/** @type {Record<Kind, [string, string]>} */
const EMPTY = {
  probe: [
    "No probes yet",
    "Choose a run with graded answers and press Start. The result says, dataset by dataset, what the probe adds to the other signals.",
  ],
  verifier: [
    "No verifier yet",
    "Choose a run with graded answers and press Start. The result compares the model as it is with the trained one, on answers that it has not seen.",
  ],
  answerer: [
    "No fine-tuned model yet",
    "Choose runs whose questions have accepted answers and press Start. The result compares answers to held-out questions before and after.",
  ],
  reward: [
    "No model that states its confidence yet",
    "Choose runs, or additions, and press Start. The result compares accuracy and the stated confidence before and after, on held-out questions.",
  ],
};
/** @type {Record<Kind, string>} */
const LABELS = { probe: "Probes", verifier: "Verifier", answerer: "Adapter", reward: "Adapter" };

/** What stands there before the first training. @param {Kind} kind */
export function empty(kind) {
  const [title, words] = EMPTY[kind];
  return html`<section class="cx-card cx-body" aria-label=${LABELS[kind]}><div class="cx-empty"><h2>${title}</h2>
    <p>${words}</p></div></section>`;
}
