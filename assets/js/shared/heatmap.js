// An answer, token by token or word by word, coloured by how confident the model was of each.

import { all, roving } from "./events.js";
import { STANCES } from "./evidence.js";
import { html, nothing, ref } from "./lit.js";
import { icon, reveal, unseen } from "./parts.js";
import { spoken, step, unitsOf, weakest } from "./tokens.js";

/** @import {Scale, Sentence, Step, Token, View} from "./types" */
/** @typedef {"hover" | "pick" | "open"} How */
/** @typedef {{lead: string, body: string, index: number, kind: string, said: string, marks: number[]}} Mark */
/** @typedef {{label: string, point: (index: number, how: How) => void, sentence: (index: number, how: How) => void, leave: () => void}} Options */

export class Heatmap {
  /** @type {Token[]} */
  tokens = [];
  /** @type {import("./tokens.js").Unit[]} */
  units = [];
  /** @type {Sentence[]} */
  sentences = [];
  /** @type {number | null} The token that is marked. */
  selected = null;
  /** @type {number | null} The sentence that is marked. */
  told = null;
  #stop = 0; // the unit that Tab reaches
  /** @type {Element | undefined} */
  #list;
  /** @type {Mark[]} */
  #marks = [];

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
  }

  /** Show tokens from now on; last: the step that they are of, once it is complete. @param {Token[]} tokens @param {Step | null} last @param {View} view */
  draw(tokens, last, view) {
    const sentences = last?.evidence.sentences ?? [];
    const units = unitsOf(tokens, last && (view.words ? last.words : last.units));
    this.#marks = units.map((unit) => {
      const own = tokens.slice(unit.from, unit.end);
      const text = own.map((token) => token.text).join("");
      const lead = /^\s*/.exec(text)?.[0] ?? "";
      const index = weakest(tokens, unit);
      const level = step(view.scale, tokens[index]);
      const dim = view.focus && last && !last.focus.slice(unit.from, unit.end).some(Boolean);
      const given = tokens[index].given ? " given" : "";
      const kind = `cx-tok ${level === null ? "missing" : `s${level}`}${given}${dim ? " dim" : ""}`;
      const marks = sentences.flatMap(({ last, stance }, i) =>
        stance && last >= unit.from && last < unit.end ? [i] : [],
      );
      return { lead, body: text.slice(lead.length), index, said: spoken(tokens[index]), kind, marks };
    });
    Object.assign(this, { tokens, sentences, units });
  }

  /** Mark a token, and make it the one that Tab reaches. @param {number | null} index */
  select(index) {
    this.selected = index;
    if (index !== null) this.#stop = Math.max(0, this.#unitOf(index));
  }

  /** @param {number} index of a token */
  #unitOf(index) {
    return this.units.findIndex(({ from, end }) => index >= from && index < end);
  }

  /** What is told of a token by its position. @param {number} position */
  pointed(position) {
    const unit = this.units[this.#unitOf(position)];
    const parts = unit ? this.tokens.slice(unit.from, unit.end).map(({ text }) => text) : [];
    return { position, token: this.tokens[position], total: this.tokens.length, parts };
  }

  /** Move the keyboard to a sentence's marker. @param {number} index */
  focusSentence(index) {
    this.#items(`[data-sentence="${index}"]`)[0]?.focus();
  }

  /** Move the keyboard to a token. @param {number} index */
  focusToken(index) {
    this.#items(".cx-tok")[this.#unitOf(index)]?.focus();
  }

  /** @param {string} selector */
  #items(selector) {
    return this.#list ? all(this.#list, selector) : [];
  }

  view() {
    const marks = this.#marks.map((mark, at) => this.#token(mark, at));
    return html`<div class="cx-heat" role="listbox" aria-label=${this.options.label} aria-orientation="horizontal" dir="auto"
      ${ref(this.#mount)} @pointerover=${this.#over} @click=${this.#press} @focusin=${this.#press}
      @pointerleave=${this.options.leave} @keydown=${this.#key}>${marks}</div>`;
  }

  /** @param {Mark} mark @param {number} at */
  #token({ lead, body, index, kind, said, marks }, at) {
    const { from, end } = this.units[at];
    const { selected, told } = this;
    const here = selected !== null && selected >= from && selected < end;
    const sentence = told === null ? undefined : this.sentences[told];
    const in_told = sentence && end > sentence.first && from <= sentence.last;
    const line = lead.includes("\n");
    const blank = html`<span class="cx-muted" aria-label="line break">${line ? "\u23ce" : "\u2423"}</span>`;
    return html`${body ? lead : ""}<span class="${kind}${here ? " selected" : ""}${in_told ? " told" : ""}" role="option" aria-selected=${String(here)}
      tabindex=${at === this.#stop ? 0 : -1} data-index=${index}>${body ? reveal(body) : blank}${unseen(`, ${said}`)}</span>${
        !body && line ? lead : ""
      }${marks.map((i) => marker(this.sentences[i], i, i === told))}`;
  }

  #mount = (/** @type {Element | undefined} */ list) => {
    this.#list = list;
  };
  #over = (/** @type {Event} */ event) => this.#point(event, "hover");
  #press = (/** @type {Event} */ event) => this.#point(event, "pick");

  #point(/** @type {Event} */ event, /** @type {How} */ how) {
    const at = /** @type {Element} */ (event.target).closest(".cx-marker, .cx-tok");
    const { sentence, index } = /** @type {HTMLElement | null} */ (at)?.dataset ?? {};
    if (sentence) this.options.sentence(Number(sentence), event.type === "click" ? "open" : how);
    else if (index) this.options.point(Number(index), how);
  }

  #key = (/** @type {KeyboardEvent} */ event) => {
    if (["Enter", " ", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      this.#point(event, "open");
    } else if (event.key !== "ArrowUp") roving(event, this.#items(".cx-tok, .cx-marker"));
  };
}

/** What the evidence says of a sentence, behind it: the passage's number, an icon, and the word on hover. @param {Sentence} sentence @param {number} i @param {boolean} here */
function marker({ stance, passage: closest }, i, here) {
  if (!stance) return nothing;
  const passage = stance === "not found" || closest === null ? null : closest + 1;
  const { icon: shape, name } = STANCES[stance];
  const said = `sentence ${i + 1}: ${stance}${passage === null ? "" : `, passage ${passage}`}`;
  return html`<span class="cx-marker ${name}" role="option" aria-selected=${String(here)} aria-label=${said} tabindex="-1"
    data-sentence=${i}>${passage === null ? nothing : html`<span class="cx-num">${passage}</span>`}${icon(shape)}<span
    class="cx-marker-word">${stance}</span></span>`;
}

/** The colours' meaning, with each step's underline, for the scale in use. @param {Scale} scale */
export function legend({ legend, captions, unit }) {
  const swatches = captions.map((caption, i) => html`<span class="cx-swatch s${i}">${caption}</span>`);
  return html`<div class="cx-legend cx-row wrap" role="img" aria-label="Colours by ${legend}: ${captions.join("; ")}">${swatches}${unit}</div>`;
}
