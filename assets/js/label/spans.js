// The answer, token by token and without colours: which parts of it are incorrect.

import { all, ownerOf, roving } from "../shared/events.js";
import { html } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { reveal } from "../shared/parts.js";
import { unitsOf } from "../shared/tokens.js";
import { toggled } from "./runs.js";

/** @import {Card, Span} from "./types" */

/** @extends {Part<import("./page.js").Labels>} */
export class Spans extends Part {
  /** The unit that Tab reaches. */
  stop = 0;
  /** @type {number | null} Where a mark that is being drawn began. */
  from = null;

  /** @param {Card} card @param {Span[]} spans @param {(spans: Span[]) => unknown} change */
  view(card, spans, change) {
    const units = unitsOf(
      card.tokens.map((text) => ({ text })),
      card.units,
    );
    const marked = (/** @type {number} */ token) =>
      spans.some(([first, last]) => first <= token && token <= last);
    const mark = (/** @type {Span} */ span) => change(toggled(spans, span, card.tokens.length));
    const one = (/** @type {typeof units[0]} */ { from, end }, /** @type {number} */ at) => {
      const text = card.tokens.slice(from, end).join("");
      const on = marked(from);
      return html`<span class="cx-piece${on ? " incorrect" : ""}" role="option" aria-selected=${String(on)} tabindex=${at === this.stop ? 0 : -1} data-at=${at}>${reveal(text)}</span>`;
    };
    const at = (/** @type {Event} */ event) => {
      const piece = /** @type {HTMLElement | null} */ (
        /** @type {Element} */ (event.target).closest("[data-at]")
      );
      return piece ? Number(piece.dataset.at) : null;
    };
    const pressed = (/** @type {MouseEvent} */ event) => {
      const here = at(event);
      if (here === null) return;
      const first = event.shiftKey && this.from !== null ? this.from : here;
      const [a, z] = [Math.min(first, here), Math.max(first, here)];
      this.set({ stop: here, from: here });
      mark([units[a].from, units[z].end - 1]);
    };
    const key = (/** @type {KeyboardEvent} */ event) => {
      const here = at(event);
      if (here === null || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === " ") {
        event.preventDefault();
        mark([units[here].from, units[here].end - 1]);
      } else if (event.key === this.page.keys.sentence) {
        event.preventDefault();
        event.stopPropagation();
        const token = units[here].from;
        mark(card.sentences.find(([first, last]) => first <= token && token <= last) ?? [token, token]);
      } else if (roving(event, all(ownerOf(event), "[data-at]"))) {
        this.stop = Number(/** @type {HTMLElement} */ (document.activeElement).dataset.at);
        if (event.shiftKey && !marked(units[this.stop].from))
          mark([units[this.stop].from, units[this.stop].end - 1]);
        else this.page.paint();
      }
    };
    return html`<div class="cx-answer" role="listbox" aria-multiselectable="true" aria-orientation="horizontal" dir="auto"
      aria-label="Answer; mark what is incorrect" @click=${pressed} @keydown=${key}>${units.map(one)}</div>`;
  }
}
