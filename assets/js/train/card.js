// What a training made: whether it helps, dataset by dataset, what to do next, and those that are saved.

import { link } from "../shared/address.js";
import { Confirmation } from "../shared/confirmation.js";
import { html, nothing, repeat } from "../shared/lit.js";
import { having, Part } from "../shared/page.js";
import {
  alarm,
  badge,
  button,
  exact,
  facts,
  hint,
  icon,
  range,
  told,
  when,
  written,
} from "../shared/parts.js";
import { column, scrolled } from "../shared/table.js";
import { count, fixed } from "../shared/words.js";

/** @import {Gain, Probes, Row} from "./types" */

const LONG = 120; // characters; a longer fact stands below its name
const AUROC = "the chance that a correct answer ranks above an incorrect one; 0.5 is guessing";
const HINT =
  "Cross-fitted: no answer is scored by a probe that was trained on it. Brackets are 95% intervals. With the dataset left out, the probe was trained on the others alone.";

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

/** @extends {Part<import("./page.js").Train>} */
export class Card extends Part {
  /** @type {string | null} */
  failed = null;
  /** @type {string | null} What is being done. */
  acting = null;
  confirmation = new Confirmation("Delete probes", this.page.paint);

  /** @param {Probes} probes @param {boolean} back whether there is something to go back to */
  view({ version, title, active, helps, advice, mismatch, rows, run, facts: known }, back) {
    const warning = html`<p class="cx-note cx-row warning" role="alert">${icon("defer")}<span>${written(mismatch)}</span></p>`;
    const activate = this.#act("activate", active ? "Deactivate" : "Activate", {
      kind: active ? "small" : "small primary",
      run: () => this.page.change("activate", { version: active ? null : version }),
    });
    const rollback = () =>
      this.#act("rollback", "Roll back", { run: () => this.page.change("rollback", {}) });
    const remove = () => button("Delete", () => this.#ask(version, title), { act: "delete" });
    const calibrate = html`<a class="cx-button small" href=${link({ run }, "calibrate")}>Calibrate with them</a>`;
    const lines = known.map(([name, value]) => {
      const long = typeof value === "string" && value.length > LONG ? "long" : "";
      return /** @type {[string, unknown, string]} */ ([name, told(value), long]);
    });
    return html`<section class="cx-card cx-body cx-probes" aria-label="Probes">
      <h2 class="cx-row wrap">${written(title)} ${active ? badge("answer", "answer", "active") : badge("none", null, "not active")}</h2>
      ${mismatch ? warning : nothing}
      <p class="cx-note cx-row ${helps ? "good" : "warning"}" role="status">${icon(helps ? "answer" : "defer")}<span>${advice}</span></p>
      <div class="cx-row wrap">${activate}${run ? calibrate : nothing}${back ? rollback() : nothing}${active ? nothing : remove()}</div>
      ${this.confirmation.view()}${alarm(this.failed)}
      ${rows.length ? html`<h3>What they add</h3>${scrolled("What the probe adds, by dataset", COLUMNS, rows, ({ dataset }) => dataset)}${hint(HINT)}` : nothing}
      <h3>Trained on</h3>${facts(lines, "pairs")}</section>`;
  }

  /** @param {string} act @param {string} words @param {{run: () => Promise<string | null>, kind?: string}} options */
  #act(act, words, { run, ...options }) {
    return button(words, () => this.#run(act, run), { act, disabled: this.acting === act, ...options });
  }

  /** @param {string} act @param {() => Promise<string | null>} run */
  async #run(act, run) {
    this.set({ acting: act });
    const failed = await run();
    this.set({ failed, acting: null });
    // A button that is disabled while it works has lost the focus; who has gone elsewhere stays there.
    if (document.activeElement === document.body) this.#focus(act);
  }

  /** @param {string} act */
  #focus(act) {
    const here = `.cx-probes ${having("data-act", act)}`;
    this.page.focus(here, ".cx-probes [data-act=activate]", ".cx-runs-list input:enabled", "input");
  }

  /** @param {string} version @param {string} title */
  #ask(version, title) {
    this.confirmation.open({
      question: html`<span>Delete ${written(title)}? This cannot be undone.</span>`,
      yes: "Delete",
      doing: "Deleting …",
      run: () => this.page.change("delete", { version }),
      back: () => this.#focus("delete"),
    });
  }
}

/** Those that are saved. @param {Probes[]} list @param {string | null} shown @param {(version: string) => void} open */
export function saved(list, shown, open) {
  const line = (/** @type {Probes} */ { version, title, active, created, gain, mismatch }) => html`<li>
    <button type="button" class="cx-item" aria-current=${version === shown ? "true" : nothing} @click=${() => open(version)}>
      <span class="cx-row wrap tight">${written(title)}${active ? badge("answer", "answer", "active") : nothing}</span>
      <span class="cx-sub">${when(created)}${gain ? html` · gain ${exact(gain.value, signed(gain.value))}` : nothing}</span>
      ${mismatch ? html`<span class="cx-sub cx-caution">${written(mismatch)}</span>` : nothing}</button></li>`;
  return html`<section class="cx-card cx-body" aria-label="Saved probes"><h2>Saved</h2>
    <ul class="cx-list cx-saved">${repeat(list, ({ version }) => version, line)}</ul></section>`;
}

/** What stands there before the first training. */
export function empty() {
  return html`<section class="cx-card cx-body" aria-label="Probes"><div class="cx-empty"><h2>No probes yet</h2>
    <p>Choose a run with graded answers and press Start. The result says, dataset by dataset, what the probe adds to the other signals.</p></div></section>`;
}
