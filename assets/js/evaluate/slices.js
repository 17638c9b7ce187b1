// A run by what its questions have in common, and the part of it that the list of questions is limited to.

import { submitted } from "../shared/events.js";
import { choice } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, iconButton, measured, muted, percent, written } from "../shared/parts.js";
import { column, scrolled } from "../shared/table.js";
import { count } from "../shared/words.js";

/** @import {Only, Slice, Sliced} from "./types" */

/** @type {Sliced} */
const NONE = { columns: [], column: "", rows: [], note: "" };

/** @extends {Part<import("./page.js").Evaluate>} */
export class Slices extends Part {
  /** @type {Sliced} */
  found = NONE;
  /** @type {string | null} */
  failed = null;
  /** @type {string | null} What became of keeping questions as a dataset. */
  kept = null;

  /** Read the slices of the opened run. @param {string | null} column null for the first one */
  async look(column = this.found.column || null) {
    const run = this.page.open;
    const { value, error } = await this.page.call("slices", { run, column });
    if (run !== this.page.open) return;
    this.set({ found: value ?? this.found, failed: error?.message ?? null });
  }

  clear() {
    Object.assign(this, { found: NONE, failed: null, kept: null });
  }

  /** Limit the list of questions. @param {Only | null} only */
  limit(only) {
    this.kept = null;
    return this.page.questions.look({ only, at: 0 });
  }

  view() {
    const { columns, column: by, rows, note } = this.found;
    if (!columns.length) return nothing;
    const label = (/** @type {Slice} */ { label }) =>
      button(written(label), () => this.limit({ column: by, label }), {
        kind: "cx-link",
        title: "List its questions",
      });
    const number = { number: true };
    const metric = (/** @type {string} */ key, /** @type {(slice: Slice) => unknown} */ cell) => {
      const { name, says } = this.page.config.metrics[key];
      return column(key, name, cell, { ...number, title: says });
    };
    const table = scrolled(
      "Slices",
      [
        column("label", "Slice", label, { head: true }),
        column("n", "Questions", ({ n }) => count(n), number),
        metric("accuracy", ({ accuracy, accuracy_ci }) => percent(accuracy, accuracy_ci)),
        metric("auroc", (slice) => few(slice, "auroc")),
        metric("ece", (slice) => few(slice, "ece")),
        metric("coverage", ({ answered }) => percent(answered)),
      ],
      rows,
      ({ label }) => label,
    );
    const few = (/** @type {Slice} */ slice, /** @type {"auroc" | "ece"} */ key) =>
      slice.too_small.includes(key) ? muted("too few") : measured(slice[key], slice[`${key}_ci`]);
    const change = (/** @type {string} */ name) => this.look(name);
    return html`<section class="cx-card" aria-label="Slices"><header class="cx-head"><h2 class="cx-title">Slices</h2>${choice(columns, { label: "Slice by", value: by, change })}</header>
      ${alarm(this.failed)}${table}<p class="cx-hint cx-none" ?hidden=${!note}>${note}</p></section>`;
  }

  /** What the list is limited to, and the way to keep that. @param {string} words */
  only(words) {
    const keep = submitted(async (form) => {
      const name = new FormData(form).get("name");
      const { value, error } = await this.page.call("keep", { ...this.page.questions.asked, name });
      this.kept = value ?? null;
      this.page.questions.set({ failed: error?.message ?? null });
    });
    return html`<form class="cx-toolbar cx-row wrap" aria-label="Subset" @submit=${keep}><span>Only ${written(words)}</span>
      ${iconButton("close", "Show all questions", () => this.limit(null))}<input class="cx-input" name="name" maxlength="64" aria-label="Name" placeholder="Name" spellcheck="false">
      <button type="submit" class="cx-button small">Keep as a subset</button><span class="cx-muted" role="status">${this.kept}</span></form>`;
  }
}
