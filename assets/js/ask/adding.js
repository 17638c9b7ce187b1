// An answer's question into a dataset, with the answers that are accepted.

import { escaped } from "../shared/events.js";
import { Form, field } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { having, Part } from "../shared/page.js";
import { button } from "../shared/parts.js";

/** @import {Trace} from "../shared/types" */

/** @extends {Part<import("./page.js").Ask>} */
export class Adding extends Part {
  /** @type {Trace | null} Whose question is added. */
  trace = null;
  /** @type {string[]} The datasets there are. */
  sets = [];
  form = new Form(this.page.paint, async ({ dataset, answers }) => {
    const { trace } = this;
    const { value, error } = await this.page.call("add_question", { trace: trace?.id, dataset, answers });
    if (this.trace !== trace) return null;
    if (value) this.end(value);
    else this.page.focus(".cx-adding input");
    return error?.message ?? null;
  });

  /** @param {Trace} trace */
  async open(trace) {
    this.form.error = null;
    this.set({ trace });
    this.page.focus(".cx-adding input");
    const { value } = await this.page.call("own_datasets");
    this.set({ sets: value ?? [] });
  }

  /** @param {string | null} [said] */
  end(said = null) {
    const { trace } = this;
    const card = this.page.answers.cards.find((one) => one.trace === trace);
    if (card && said) card.note = { words: said, kind: "muted" };
    this.set({ trace: null });
    this.page.focus(having("data-act", `add ${trace?.id}`));
  }

  /** @param {Trace} trace */
  view(trace) {
    if (trace !== this.trace) return nothing;
    const sets = html`<datalist id="cx-own-datasets">${this.sets.map((name) => html`<option value=${name}></option>`)}</datalist>`;
    const dataset = html`<input class="cx-input" type="text" name="dataset" list="cx-own-datasets" required maxlength="64" autocomplete="off" spellcheck="false">`;
    const answers = html`<textarea class="cx-input" name="answers" rows="2" required maxlength="10000"></textarea>`;
    const fields = html`${field("Dataset, one of yours or a new name", dataset)}${sets}${field("Accepted answers, one a line", answers)}`;
    const note = button("Cancel", () => this.end());
    return html`<div class="cx-adding" @keydown=${escaped(() => this.end())}>${this.form.card("Add to a dataset", fields, { words: "Add", disabled: false, note })}</div>`;
  }
}
