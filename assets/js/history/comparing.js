// Two answers side by side, and every number in which they differ.

import { Heatmap, legend } from "../shared/heatmap.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, metric, muted, percent, written } from "../shared/parts.js";
import { column, scrolled } from "../shared/table.js";
import { number } from "../shared/words.js";
import { outcome, questionOf } from "./opened.js";

/** @import {Compared, Difference, Opened} from "./types" */

const NOTHING = { point: () => {}, sentence: () => {}, leave: () => {} };
const SIDES = ["First", "Second"];

/** @extends {Part<import("./page.js").Sessions>} */
export class Comparing extends Part {
  /** @type {string | null} What is to be shown. */
  wanted = null;
  shown = false;
  /** @type {Compared | null} */
  compared = null;
  /** @type {string | null} */
  failed = null;
  heats = SIDES.map((side) => new Heatmap({ label: `${side} answer, token by token`, ...NOTHING }));

  /** Show two traces; whether they are still wanted when they have come. @param {string} first @param {string} second */
  async show(first, second) {
    const wanted = `${first} ${second}`;
    this.wanted = wanted;
    const { value, error } = await this.page.call("compare", { first, second });
    if (this.wanted !== wanted) return false;
    const scale = this.page.config.scales.probability;
    for (const [i, { last }] of (value?.traces ?? []).entries())
      this.heats[i].draw(last.tokens, last, { scale, words: false, focus: false });
    this.set({ shown: true, compared: value ?? null, failed: error?.message ?? null });
    return true;
  }

  close() {
    Object.assign(this, { wanted: null, shown: false, compared: null });
  }

  view() {
    const { compared, failed, page } = this;
    const back = button("Back to the list", () => page.close());
    return html`<div class="cx-column cx-compared"><header class="cx-row wrap between"><h2 class="cx-title" tabindex="-1">Two answers compared</h2>${back}</header>${alarm(failed)}
      ${compared ? this.#compared(compared) : nothing}</div>`;
  }

  /** @param {Compared} compared */
  #compared({ traces, same, differences }) {
    const unlike = Object.entries(same).flatMap(([name, is]) => (is ? [] : [name]));
    const words = unlike.length
      ? `They differ in ${unlike.join(", ")}.`
      : "Question, answer, model and policy are the same.";
    const value = (/** @type {"first" | "second"} */ side) => (/** @type {Difference} */ each) =>
      each.name === "confidence" ? percent(each[side]) : metric(each[side]);
    const change = (/** @type {Difference} */ { change: by }) =>
      by === null ? muted("n/a") : html`<span title=${by}>${by > 0 ? "+" : ""}${number(by)}</span>`;
    /** @type {import("../shared/types").Column<Difference>[]} */
    const columns = [
      column("name", "Signal", ({ label }) => written(label), { head: true }),
      column("first", "First", value("first"), { number: true }),
      column("second", "Second", value("second"), { number: true }),
      column("change", "Change", change, { number: true }),
    ];
    return html`<p>${words}</p><div class="cx-beside">${traces.map((trace, i) => this.#side(trace, i))}</div>${legend(this.page.config.scales.probability)}
      <section class="cx-card" aria-label="Differences">${scrolled("Confidence and signals of both", columns, differences, ({ name }) => name)}</section>`;
  }

  /** @param {Opened} trace @param {number} index */
  #side(trace, index) {
    const open = () => this.page.open(trace.id);
    return html`<section class="cx-card cx-body cx-column" aria-label="${SIDES[index]} answer"><h3>${questionOf(trace)}</h3>${outcome(trace)}
      <div>${this.heats[index].view()}</div><p>${button("Open this answer", open)}</p></section>`;
  }
}
