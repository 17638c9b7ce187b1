// An answer to read: its tokens in the colours of a scale, and the inspector that explains them.

import { Heatmap, legend } from "./heatmap.js";
import { Inspector } from "./inspector.js";
import { html } from "./lit.js";
import { segments } from "./parts.js";

/** @import {Tab} from "./inspector.js" */
/** @import {Rule, Scale, Trace} from "./types" */

/** @template {Trace} Shown */
export class Reading {
  /** @type {Shown | null} */
  trace = null;
  heat = new Heatmap({
    label: "Answer, token by token",
    point: (index, how) => this.inspector.point(this, index, how),
    sentence: (index, how) => this.inspector.tell(this, index, how),
    leave: () => this.inspector.leave(this),
  });

  /** @param {() => void} paint @param {Record<string, Scale>} scales the first one is shown @param {{alone?: boolean, tabs?: Tab[]}} options */
  constructor(paint, scales, { alone, tabs } = {}) {
    this.paint = paint;
    this.scales = scales;
    this.scale = Object.keys(scales)[0];
    const options = {
      alone,
      onsentence: (/** @type {number | null} */ index) => this.inspector.tell(this, index, "pick"),
      onleave: (/** @type {number} */ index) => this.heat.focusSentence(index),
      onlookup: () => {},
    };
    this.inspector = new Inspector(paint, options, tabs);
  }

  /** Show another answer. @param {Shown | null} trace @param {string} closed why none of its tokens can be continued @param {Rule[]} rules */
  show(trace, closed, rules = []) {
    const { heat, inspector } = this;
    this.trace = trace;
    heat.select(null);
    this.#draw();
    inspector.show(this, closed);
    inspector.rules = rules;
    if (!trace?.last.evidence.passages.length && inspector.tab === "Evidence") inspector.open("Token");
  }

  #draw() {
    const last = this.trace?.last ?? null;
    this.heat.draw(last?.tokens ?? [], last, { scale: this.scales[this.scale], words: false, focus: false });
  }

  legend() {
    return legend(this.scales[this.scale]);
  }

  /** What the tokens are coloured by, to choose, with its legend. */
  colours() {
    const change = (/** @type {string} */ scale) => {
      this.scale = scale;
      this.#draw();
      this.paint();
    };
    const options = Object.keys(this.scales).map((name) => /** @type {[string, string]} */ ([name, name]));
    return html`<div class="cx-toolbar cx-row wrap">${segments({ name: "cx-colour", legend: "Colour by", options, value: this.scale, change })}${this.legend()}</div>`;
  }
}
