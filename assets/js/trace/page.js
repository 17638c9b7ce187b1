// The page behind a link to a trace: the answer, what was decided and why. There is nothing to change on it.

import { html } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { instead, storyLine } from "../shared/panels.js";
import { decision, muted, percent, when, written } from "../shared/parts.js";
import { Reading } from "../shared/reading.js";

/** @import {Scale, Trace} from "../shared/types" */
/** @typedef {Pick<Trace, "question" | "person" | "answer" | "story" | "last"> & {scale: Scale, asked: string, model: string, cut: boolean}} Told */

const CLOSED = "This is a copy to read.";

class Shared extends Page {
  /** @type {Told} */
  told = this.config;
  /** @type {Reading<any>} Of a trace, with all that the inspector reads. */
  reading = new Reading(
    this.paint,
    { probability: this.told.scale },
    { alone: true, tabs: ["Token", "Samples", "Signals", "Evidence"] },
  );

  start() {
    this.reading.show(this.told, CLOSED);
    this.paint();
  }

  view() {
    const { question, cut, asked, model, last } = this.told;
    const { heat, inspector } = this.reading;
    const title =
      question === null ? muted("The question was not saved") : [written(question), cut ? " …" : ""];
    const how = muted(["confidence, ", written(last.basis)], "cx-tiny");
    return html`<div class="cx-page trace">
      <section class="cx-card cx-shared" aria-label="Answer"><h1 class="cx-question">${title}</h1>
        ${instead(this.told)}<div>${heat.view()}</div>${this.reading.legend()}
        <p class="cx-hint">${written(model)}, ${when(asked)}</p></section>
      <aside class="cx-column loose" aria-label="Decision and explanation"><div class="cx-card cx-body">
        <div class="cx-row between">${decision(last.decision.action, true)}<div class="cx-confidence"><span class="cx-large">${percent(last.confidence.value)}</span>${how}</div></div>
        <p class="cx-reason">${written(last.decision.reason)}</p>${storyLine(this.reading.trace)}</div>
        <section class="cx-card" aria-labelledby="cx-explained"><h2 class="cx-sr" id="cx-explained">Explanation</h2>${inspector.view()}</section></aside></div>`;
  }
}

const element = /** @type {HTMLElement} */ (document.querySelector("#cx-trace main"));
const config = document.getElementById("codex-shared")?.textContent ?? "";
new Shared({ element, props: { config }, server: {}, watch: () => {}, send: {} }).start();
