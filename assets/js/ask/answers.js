// The answer and its branches: one card each, with its heatmap.

import { link } from "../shared/address.js";
import { Heatmap, legend } from "../shared/heatmap.js";
import { html, live, nothing, repeat } from "../shared/lit.js";
import { copied, decision, icon, iconButton, segmentsAlone, token, written } from "../shared/parts.js";
import { number } from "../shared/words.js";

/** @import {Scale, Token, Trace} from "../shared/types" */
/** @import {How, View} from "../shared/heatmap.js" */
/** @import {Card} from "./types" */

const SETTINGS = "codex.view";
const COPIED = 1200; // ms for which it is said
/** What a later answer came after. @type {Record<string, string>} */
const AGAIN = { retrieve: "after looking it up", reflect: "after a second look" };

export class Answers {
  /** @type {string | null | undefined} undefined: none was asked */
  question = undefined;
  /** @type {Card[]} */
  cards = [];
  /** @type {Card | null} The one that the right side explains. */
  active = null;
  settings = { colour: "probability", words: false, focus: false, ...remembered() };
  /** @type {string | null} The trace whose answer was just copied. */
  copied = null;
  made = 0;

  /**
   * @param {() => void} paint @param {Record<string, Scale>} scales
   * @param {{point: (card: Card, index: number, how: How) => void, leave: () => void,
   *   sentence: (card: Card, index: number | null, how: How) => void, active: (trace: Trace | null) => void,
   *   label: (trace: Trace, correct: boolean) => unknown, again: (question: string) => void}} options
   */
  constructor(paint, scales, options) {
    this.paint = paint;
    this.scales = scales;
    this.options = options;
  }

  /** How the tokens are shown. @returns {View} */
  get shown() {
    const { colour, words, focus } = this.settings;
    return { scale: this.scales[colour] ?? Object.values(this.scales)[0], words, focus };
  }

  /** Show stored traces: the first answer and its branches. @param {string | null} question @param {Trace[]} traces @param {string | null} active */
  show(question, traces, active) {
    this.question = traces.length ? question : undefined;
    this.cards = traces.map((trace, i) => this.#card(trace, label(trace, i, traces), i));
    for (const card of this.cards) this.#draw(card);
    this.activate(active ?? traces[0]?.id ?? null);
  }

  /** A card that grows: a new question's only one, or a branch beside the others. @param {string | null} question @param {Token[]} prefix @param {boolean} aside */
  live(question, prefix, aside) {
    if (!aside) Object.assign(this, { question, cards: [], active: null });
    const card = this.#card(null, aside ? "New branch" : "Answer", this.cards.length);
    card.prefix = prefix;
    this.cards = [...this.cards, card];
    return card;
  }

  /** Begin a growing card's text anew, for another kind of step. @param {Card} card @param {string} kind */
  restart(card, kind) {
    card.label = `Answer, ${AGAIN[kind]}`;
    this.grow(card, []);
  }

  /** Draw a growing card's tokens. @param {Card} card @param {Token[]} tokens */
  grow(card, tokens) {
    card.tokens = [...card.prefix, ...tokens];
    this.#draw(card);
  }

  /** Make a trace the one that the right side explains. @param {string | null} id */
  activate(id) {
    this.active = this.cards.find(({ trace }) => trace && trace.id === id) ?? null;
    for (const card of this.cards) if (card !== this.active) card.heat.selected = null;
    this.options.active(this.active?.trace ?? null);
  }

  /** @param {Trace | null} trace @param {unknown} label @param {number} index @returns {Card} */
  #card(trace, label, index) {
    const { point, sentence, leave } = this.options;
    const heat = new Heatmap({
      label: index ? `Branch ${index}, token by token` : "Answer, token by token",
      point: (at, how) => point(card, at, how),
      sentence: (at, how) => sentence(card, at, how),
      leave,
    });
    const key = trace?.id ?? `live ${++this.made}`;
    const card = { key, trace, tokens: trace?.last.tokens ?? [], prefix: [], label, heat, note: null };
    return card;
  }

  /** @param {Card} card */
  #draw({ heat, tokens, trace }) {
    const last = trace?.last ?? null;
    heat.draw(tokens, last, last?.focus ?? null, this.shown, last?.evidence.sentences);
  }

  /** @param {Partial<typeof this.settings>} change */
  #set(change) {
    Object.assign(this.settings, change);
    localStorage.setItem(SETTINGS, JSON.stringify(this.settings));
    for (const card of this.cards) this.#draw(card);
    this.paint();
  }

  view() {
    return html`<article class="cx-answer" ?hidden=${!this.cards.length}><h2 class="cx-question">${this.#title()}</h2>${this.#toolbar()}
      <div class="cx-cards">${repeat(
        this.cards,
        ({ key }) => key,
        (card, i) => this.#shown(card, i),
      )}</div></article>`;
  }

  #title() {
    const { question } = this;
    if (question === undefined) return nothing;
    if (question === null) return html`<span class="cx-muted">Question not kept</span>`;
    return html`${written(question)}${iconButton(
      "edit",
      "Ask again: put the question back into the box",
      () => this.options.again(question),
      {
        title: "Put the question back into the box",
      },
    )}`;
  }

  #toolbar() {
    const { colour } = this.settings;
    const check = (
      /** @type {"words" | "focus"} */ name,
      /** @type {string} */ words,
      /** @type {string} */ title,
    ) =>
      html`<label class="cx-check" title=${title}><input type="checkbox" .checked=${live(this.settings[name])}
        @change=${(/** @type {Event} */ event) => this.#set({ [name]: /** @type {HTMLInputElement} */ (event.target).checked })}>${words}</label>`;
    return html`<div class="cx-toolbar"><fieldset class="cx-colour"><legend class="cx-sr">Colour by</legend><div class="cx-segments">${segmentsAlone(
      {
        name: "cx-colour",
        options: Object.keys(this.scales).map((name) => [name, name]),
        value: colour,
        change: (name) => this.#set({ colour: name }),
      },
    )}</div></fieldset>
      ${check("words", "whole words", "Merge the tokens of a word; its weakest part gives the colour")}
      ${check("focus", "focus", "Dim what only repeats the question or carries no meaning")}
      <div class="cx-legend-slot">${legend(this.shown.scale)}</div></div>`;
  }

  /** @param {Card} card @param {number} index */
  #shown(card, index) {
    const { trace, heat, note } = card;
    const pick = (/** @type {MouseEvent} */ event) => {
      const on = /** @type {HTMLElement} */ (event.target).closest(".cx-tok, .cx-marker, button, a");
      if (!trace || on || this.active === card || getSelection()?.toString()) return;
      this.activate(trace.id);
      this.paint();
    };
    const active = card === this.active && this.cards.length > 1;
    return html`<section class="cx-card ${active ? "active" : ""}" aria-label=${index ? `Branch ${index}` : "Answer"} @click=${pick}>
      <header><span class="cx-card-label">${card.label}</span>${trace && this.#outcome(trace)}</header>
      ${trace && trace.answer !== trace.last.text ? html`<p class="cx-said"><b>Codex does not pass this on, and says instead</b>${written(trace.answer)}</p>` : nothing}
      <div>${heat.view()}</div>
      ${trace && ending(trace.last)}${trace && this.#evidence(card, trace)}
      ${note ? html`<p class="cx-${note.kind}" role=${note.kind === "error" ? "alert" : "status"}>${note.words}</p>` : nothing}</section>`;
  }

  /** @param {Card} card @param {Trace} trace */
  #evidence(card, { last: { evidence, support } }) {
    if (!evidence.passages.length) return nothing;
    const words = support ?? `${evidence.passages.length} passages`;
    return html`<p><button type="button" class="cx-link cx-supported" @click=${() => this.options.sentence(card, null, "open")}>${icon("document")}${words}</button></p>`;
  }

  /** @param {Trace} trace */
  #outcome(trace) {
    const { id, session, last, seconds } = trace;
    const copy = async () => {
      await copied(last.text);
      this.copied = id;
      this.paint();
      setTimeout(() => {
        this.copied = null;
        this.paint();
      }, COPIED);
    };
    const vote = (
      /** @type {boolean} */ correct,
    ) => html`<button type="button" class="cx-icon-button" aria-pressed=${String(trace.correct === correct)}
      title=${correct ? "This answer is right" : "This answer is wrong"} aria-label=${correct ? "Mark as right" : "Mark as wrong"}
      @click=${() => this.options.label(trace, correct)}>${icon(correct ? "up" : "down")}</button>`;
    return html`${decision(last.decision.action)}<span class="cx-muted cx-num" title="${last.seconds} s for the answer">${number(seconds)} s</span>
      <span class="cx-actions">${iconButton(this.copied === id ? "answer" : "copy", "Copy the answer", copy)}${vote(true)}${vote(false)}<a class="cx-icon-button"
        href=${link({ session, trace: id })} title="Link to this answer" aria-label="Link to this answer">${icon("link")}</a></span>`;
  }
}

/** @param {Trace["last"]} last */
function ending({ tokens, generation }) {
  if (!tokens.length) return html`<p class="cx-muted">The model said nothing.</p>`;
  return generation.finish_reason === "length"
    ? html`<p class="cx-muted">Cut off at the largest number of tokens.</p>`
    : nothing;
}

/** @param {Trace} trace @param {number} index @param {Trace[]} traces */
function label(trace, index, traces) {
  const { branched, parent, steps, last } = trace;
  if (!branched) return steps.length > 1 ? `Answer, ${AGAIN[last.kind]}` : "Answer";
  const was = traces.find(({ id }) => id === parent)?.last.tokens[branched.position];
  return html`<span>Branch ${index}: ${token(branched.text)}${was ? [" instead of ", token(was.text)] : null}</span>`;
}

/** @returns {object} */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(SETTINGS) ?? "{}");
  } catch {
    return {};
  }
}
