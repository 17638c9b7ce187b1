// What a training of the model itself made: before and after, put to use, resumed or deleted.

import { html, nothing } from "../shared/lit.js";
import { badge, button, copied, exact, hint, icon, iconButton, written } from "../shared/parts.js";
import { column, scrolled } from "../shared/table.js";
import { madeOf, VersionCard, warning } from "../shared/versions.js";
import { fixed, quoted, share } from "../shared/words.js";

/** @import {Adapter, TuningRow} from "./types" */

const LONG = 60; // characters; a longer fact stands below its name
const SHARES = ["accuracy", "refusals", "readable"];

/** @extends {VersionCard<import("./page.js").Train>} */
export class AdapterCard extends VersionCard {
  /** @param {import("./page.js").Train} page */
  constructor(page) {
    super(page, ".cx-trained", "Delete an adapter");
  }

  /** @param {Adapter} shown */
  view(shown) {
    const { title, state, mismatch, helps, advice, facts } = shown;
    const done = state === "done";
    return html`<section class="cx-card cx-body cx-trained" aria-label="Adapter">
      <h2 class="cx-row wrap">${written(title)} ${standing(shown)}</h2>
      ${mismatch ? warning(written(mismatch)) : nothing}
      <p class="cx-note cx-row ${helps ? "good" : "warning"}" role="status">${icon(helps ? "answer" : "defer")}<span>${advice}</span></p>
      ${this.#actions(shown)}${done ? this.#compared(shown) : nothing}${done ? use(shown) : nothing}
      <h3>Trained on</h3>${madeOf(facts, LONG)}</section>`;
  }

  /** @param {Adapter} shown */
  #actions({ kind, version, title, active, state, merged }) {
    const disabled = this.page.running || Boolean(this.page.state?.busy);
    const begin = (/** @type {string} */ name) => () => this.page.begin(name, { version });
    const main =
      state === "unfinished"
        ? this.act("activate", "Resume", { kind: "small primary", disabled, run: begin("resume") })
        : active
          ? nothing
          : this.act("activate", "Use it", { kind: "small primary", disabled, run: begin("use") });
    const made = merged ? ", and the model that was made of it" : "";
    const deletion = {
      question: html`<span>Delete ${written(title)} with its checkpoints${made}? This cannot be undone.</span>`,
      yes: "Delete",
      doing: "Deleting …",
      run: () => this.page.change("delete", { kind, version }),
      back: () => this.focus("delete"),
    };
    const remove = active
      ? nothing
      : button("Delete", () => this.confirmation.open(deletion), {
          act: "delete",
          disabled: this.page.running,
        });
    return html`<div class="cx-row wrap">${main}${remove}</div>
      ${this.confirmation.view()}${this.failed ? warning(written(this.failed)) : nothing}`;
  }

  /** @param {Adapter} shown */
  #compared({ rows }) {
    if (!rows.length) return nothing;
    const head = column("label", "Held-out", (/** @type {TuningRow} */ { label }) => label, {
      ...{ head: true, exact: (/** @type {TuningRow} */ { title }) => title },
    });
    const known = Object.entries(this.page.config.columns).filter(([key]) =>
      rows.some(({ metrics }) => key in metrics),
    );
    const numbers = known.map(([key, { name, says }]) => {
      const words = (/** @type {number} */ value) => (SHARES.includes(key) ? share(value) : fixed(value, 3));
      const cell = (/** @type {TuningRow} */ { metrics }) =>
        exact(metrics[key], metrics[key] === undefined ? "n/a" : words(metrics[key]));
      return column(key, name, cell, { title: says, number: true });
    });
    return html`<h3>Before and after</h3>${scrolled("Before and after the training", [head, ...numbers], rows, ({ label }) => label)}`;
  }
}

/** @param {Adapter} shown */
function standing({ active, state }) {
  if (state === "unfinished") return badge("none", null, "unfinished");
  return active ? badge("answer", "answer", "in use") : badge("none", null, "not in use");
}

/** What it means to use it, and how to start with it. @param {Adapter} shown */
function use({ kind, name, base, merged }) {
  const states = kind === "reward";
  const stated = states
    ? " With grounding.state_confidence=true it states its confidence in each answer: one more signal."
    : "";
  const words = html`In use it is another model: calibrators, probes and verifiers of ${written(base)} do not hold for it, until some are fitted on its own answers. Models, in the bar, loads another one again.${stated}`;
  if (!merged) return hint(words);
  const setting = states ? " grounding.state_confidence=true" : "";
  const command = `codex serve engine=huggingface engine.model_path=${quoted(name)}${setting}`;
  return html`${hint(words)}<p class="cx-small cx-row"><span>Start with it:</span> <code class="cx-grow">${command}</code>${iconButton("copy", "Copy the command", () => copied(command))}</p>`;
}
