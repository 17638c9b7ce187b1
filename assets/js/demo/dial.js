// The risk dial over answers that the calibrator has not seen, and whether its numbers can be taken at their word.

import { textOf } from "../shared/events.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, decision, icon, muted, percent, working, written } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { chosen, counted, share } from "../shared/words.js";

/** @import {Action} from "../shared/types" */
/** @import {Dialled, Place} from "./types" */

/** @type {[Action, string][]} */
const PARTS = [
  ["answer", "answered"],
  ["defer", "to a person"],
  ["abstain", "withheld"],
];

/** @extends {Part<import("./page.js").Demo>} */
export class Dial extends Part {
  /** @type {Dialled | null} */
  given = null;
  /** @type {string | null} */
  failed = null;
  at = 0;
  plot = new Plot();

  async load() {
    const { value, error } = await this.page.call("dial");
    this.set({ given: value ?? null, failed: error?.message ?? null, at: value?.start ?? 0 });
    if (value) await this.plot.draw(value.reliability.diagram, { table: value.reliability.table });
  }

  view() {
    const { given } = this;
    const waits = this.failed ? alarm(this.failed) : working("Reading the answers of the example…");
    return html`<section class="cx-demo-part" aria-labelledby="cx-risk"><h2 id="cx-risk">How much risk do you accept?</h2>
        ${given ? this.#dial(given, given.places[this.at]) : waits}</section>
      <section class="cx-demo-part" aria-labelledby="cx-meant" ?hidden=${!given}><h2 id="cx-meant">Can the number be taken at its word?</h2>
        <p class="cx-lead">If Codex says 60%, about 60% of such answers should be correct: the points should lie near the dashed line.</p>
        ${this.plot.element}
        ${given ? html`<p class="cx-told">${counted(given.questions, "question")} of ${written(given.datasets.join(", "))} that the calibrator has not seen. Bars are 95% intervals.</p>` : nothing}</section>`;
  }

  /** @param {Dialled} given @param {Place} place */
  #dial({ places, questions }, { risk, threshold, counts, incorrect, guarantee, stories }) {
    const move = (/** @type {Event} */ event) => this.set({ at: Number(textOf(event)) });
    const parts = PARTS.filter(([action]) => counts[action]).map(
      ([action, words]) =>
        html`<span class=${action} style="flex:${counts[action]} 0 0"><span class="cx-stack-part">${icon(action)}<b class="cx-num">${counts[action]}</b><span>${words}</span></span></span>`,
    );
    const said = PARTS.map(([action, words]) => `${counts[action]} ${words}`).join(", ");
    const answered = counts.answer
      ? html`${counted(incorrect, "answer")} of ${counts.answer} given ${incorrect === 1 ? "is" : "are"} incorrect: <b>${percent(incorrect / counts.answer)}</b>. Codex answers at a confidence of ${percent(threshold)} or more.`
      : html`No threshold keeps that here: nothing is answered.`;
    return html`<p class="cx-lead"><label for="cx-dial">Of the answers given, at most this share may be incorrect.</label> Drag it, or use the arrow keys.</p>
      <div class="cx-dial"><output class="cx-huge" for="cx-dial">${chosen(risk)}</output><div class="cx-range"><span class="cx-track" aria-hidden="true"></span><input
        id="cx-dial" type="range" min="0" max=${places.length - 1} step="1" .value=${live(String(this.at))} aria-valuetext=${chosen(risk)} @input=${move}></div></div>
      <div class="cx-stack" role="img" aria-label="Of ${questions} questions: ${said}">${parts}</div>
      <p>${answered}</p>
      <p class="cx-row cx-told ${guarantee.holds ? "cx-holds" : ""}">${icon(guarantee.holds ? "answer" : "clock")}<span>${guarantee.words}</span></p>
      <table class="cx-table cx-fates"><caption class="cx-sr">The four questions at this risk</caption><thead class="cx-sr"><tr><th scope="col">Question</th><th scope="col">Decision</th></tr></thead>
        <tbody>${this.page.config.stories.map((/** @type {import("./types").Story} */ { id, question }) => html`<tr><th scope="row">${question}</th><td>${decision(stories[id])}</td></tr>`)}</tbody></table>
      <p class="cx-told">${muted(`The answers that ship with Codex: ${share(counts.answer / questions)} of ${questions} questions are answered here.`)}</p>`;
  }
}
