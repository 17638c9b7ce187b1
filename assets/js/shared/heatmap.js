// An answer, token by token or word by word, coloured by how sure the model was of each.

import { STANCES } from "./evidence.js";
import { roving } from "./keys.js";
import { html, nothing, ref } from "./lit.js";
import { icon, reveal, unseen } from "./parts.js";
import { spoken, step, unitsOf, weakest } from "./tokens.js";

/** @import {Scale, Sentence, Token} from "./types" */
/** @typedef {"hover" | "pick" | "open" | "leave"} How */
/** @typedef {{scale: Scale, words: boolean, focus: boolean}} View */
/** @typedef {{lead: string, body: string, index: number, kind: string, said: string, marks: number[]}} Mark */

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
  /** @type {HTMLElement | undefined} */
  #list;
  /** @type {Mark[]} */
  #marks = [];

  /** @param {{label: string, point: (index: number, how: How) => void, sentence: (index: number, how: How) => void, leave: () => void}} options */
  constructor(options) {
    this.options = options;
  }

  /**
   * What is shown from now on. groups: where its units and words end; focus: which tokens carry the answer;
   * sentences: what the evidence says of each, marked behind its last token.
   * @param {Token[]} tokens @param {{units: number[], words: number[]} | null} groups @param {boolean[] | null} focus
   * @param {View} view @param {Sentence[]} sentences
   */
  draw(tokens, groups, focus, view, sentences = []) {
    this.units = unitsOf(tokens, groups && (view.words ? groups.words : groups.units));
    Object.assign(this, { tokens, sentences });
    this.#marks = this.units.map((unit) => {
      const text = tokens
        .slice(unit.from, unit.end)
        .map((token) => token.text)
        .join("");
      const lead = /^\s*/.exec(text)?.[0] ?? "";
      const index = weakest(tokens, unit);
      const level = step(view.scale, tokens[index]);
      const dim = view.focus && focus && !focus.slice(unit.from, unit.end).some(Boolean);
      const given = tokens[index].given ? " given" : "";
      return {
        ...{ lead, body: text.slice(lead.length), index, said: spoken(tokens[index]) },
        kind: `cx-tok ${level === null ? "missing" : `s${level}`}${given}${dim ? " dim" : ""}`,
        marks: sentences.flatMap(({ last }, i) => (last >= unit.from && last < unit.end ? [i] : [])),
      };
    });
  }

  /** Mark a token, and make it the one that Tab reaches. @param {number | null} index */
  select(index) {
    this.selected = index;
    if (index !== null) this.#stop = Math.max(0, this.unitOf(index));
  }

  /** @param {number} index of a token */
  unitOf(index) {
    return this.units.findIndex(({ from, end }) => index >= from && index < end);
  }

  /** What is told of a token by its position. @param {number} position */
  pointed(position) {
    const unit = this.units[this.unitOf(position)];
    const parts = unit ? this.tokens.slice(unit.from, unit.end).map(({ text }) => text) : [];
    return { position, token: this.tokens[position], total: this.tokens.length, parts };
  }

  /** Move the keyboard to a sentence's marker. @param {number} index */
  focusSentence(index) {
    /** @type {HTMLElement | null | undefined} */ (
      this.#list?.querySelector(`[data-sentence="${index}"]`)
    )?.focus();
  }

  /** Move the keyboard to a token. @param {number} index */
  focusToken(index) {
    /** @type {HTMLElement | undefined} */ (
      this.#list?.querySelectorAll(".cx-tok")[this.unitOf(index)]
    )?.focus();
  }

  view() {
    return html`<div class="cx-heat" role="listbox" aria-label=${this.options.label} aria-orientation="horizontal" dir="auto"
      ${ref(this.#mount)} @pointerover=${this.#over} @click=${this.#press} @focusin=${this.#press}
      @pointerleave=${this.options.leave} @keydown=${this.#key}>${this.#marks.map((mark, at) => this.#token(mark, at))}</div>`;
  }

  /** @param {Mark} mark @param {number} at */
  #token({ lead, body, index, kind, said, marks }, at) {
    const { from, end } = this.units[at];
    const { selected, told } = this;
    const here = selected !== null && selected >= from && selected < end;
    const sentence = told === null ? undefined : this.sentences[told];
    const in_told = sentence && end > sentence.first && from <= sentence.last;
    const line = lead.includes("\n");
    return html`${body ? lead : ""}<span class="${kind}${here ? " selected" : ""}${in_told ? " told" : ""}" role="option" aria-selected=${String(here)}
      tabindex=${at === this.#stop ? 0 : -1} data-index=${index}>${
        body
          ? reveal(body)
          : html`<span class="cx-blank" aria-label="line break">${line ? "\u23ce" : "\u2423"}</span>`
      }${unseen(`, ${said}`)}</span>${!body && line ? lead : ""}${marks.map((i) => marker(this.sentences[i], i, i === told))}`;
  }

  #mount = (/** @type {Element | undefined} */ list) => {
    this.#list = /** @type {HTMLElement | undefined} */ (list);
  };
  #over = (/** @type {Event} */ event) => this.#point(event, "hover");
  #press = (/** @type {Event} */ event) => this.#point(event, "pick");

  #point(/** @type {Event} */ event, /** @type {How} */ how) {
    const at = /** @type {HTMLElement} */ (event.target);
    const mark = /** @type {HTMLElement | null} */ (at.closest(".cx-marker"));
    if (mark)
      return this.options.sentence(Number(mark.dataset.sentence), event.type === "click" ? "open" : how);
    const span = /** @type {HTMLElement | null} */ (at.closest(".cx-tok"));
    if (span) this.options.point(Number(span.dataset.index), how);
  }

  #key = (/** @type {KeyboardEvent} */ event) => {
    const { sentence, index } = /** @type {HTMLElement} */ (event.target).dataset;
    if (["Enter", " ", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      if (sentence !== undefined) this.options.sentence(Number(sentence), "open");
      else this.options.point(Number(index), "open");
    } else if (event.key !== "ArrowUp")
      roving(
        event,
        [...(this.#list?.querySelectorAll(".cx-tok, .cx-marker") ?? [])].map(
          (it) => /** @type {HTMLElement} */ (it),
        ),
      );
  };
}

/** What the evidence says of a sentence, behind it: the passage's number, an icon, and the word on hover. @param {Sentence} sentence @param {number} i @param {boolean} here */
function marker({ stance, passage: closest }, i, here) {
  const passage = stance === "not found" ? null : closest;
  const { icon: shape, name } = STANCES[stance];
  const at = passage === null ? "" : `, passage ${passage + 1}`;
  return html`<span class="cx-marker ${name}" role="option" aria-selected=${String(here)} aria-label="sentence ${i + 1}: ${stance}${at}"
    tabindex="-1" data-sentence=${i}>${passage === null ? nothing : html`<span class="cx-num">${passage + 1}</span>`}${icon(shape)}<span
    class="cx-marker-word">${stance}</span></span>`;
}

/** The colours' meaning, with each step's underline, for the scale in use. @param {Scale} scale */
export function legend({ legend, captions, unit }) {
  return html`<div class="cx-legend" role="img" aria-label="Colours by ${legend}: ${captions.join("; ")}">${captions.map(
    (caption, i) => html`<span class="cx-swatch s${i}">${caption}</span>`,
  )}${unit}</div>`;
}
