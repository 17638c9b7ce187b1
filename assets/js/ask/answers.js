// The answer and its branches, each with its heatmap.

import { link } from "../shared/address.js";
import { fieldOf } from "../shared/events.js";
import { Heatmap, legend } from "../shared/heatmap.js";
import { html, live, nothing, repeat } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { instead, reasoning } from "../shared/panels.js";
import {
  button,
  copied,
  decision,
  icon,
  iconButton,
  muted,
  segments,
  token,
  written,
} from "../shared/parts.js";
import { single } from "../shared/server.js";
import { number } from "../shared/words.js";

/** @import {Scale, Token, Trace, View} from "../shared/types" */
/** @import {Card} from "./types" */

const SETTINGS = "codex.view";
const COPIED = 1200; // ms for which it is said
/** What a later answer came after. @type {Record<string, string>} */
const AGAIN = {
  retrieve: "after retrieving passages",
  reflect: "after a second look",
  larger: "by the larger model",
};

/** @extends {Part<import("./page.js").Ask>} */
export class Answers extends Part {
  /** @type {string | null | undefined} undefined: none was asked */
  question = undefined;
  /** @type {Card[]} */
  cards = [];
  /** @type {Card | null} The one that the right side explains. */
  active = null;
  settings = { colour: "probability", words: false, focus: false, ...remembered() };
  /** @type {string | null} The text that was just copied. */
  copied = null;
  made = 0;
  /** @type {Record<string, Scale>} */
  scales = this.page.config.scales;
  label = single((/** @type {Trace} */ trace, /** @type {boolean} */ correct) =>
    this.page.label(trace, correct),
  );

  /** How the tokens are shown. @returns {View} */
  get shown() {
    const { colour, words, focus } = this.settings;
    return { scale: this.scales[colour] ?? Object.values(this.scales)[0], words, focus };
  }

  /** Show stored traces: the first answer and its branches. @param {string | null} question @param {Trace[]} traces @param {string | null} active */
  show(question, traces, active) {
    this.question = traces.length ? question : undefined;
    this.cards = traces.map((trace, i) => this.#card(trace, titleOf(trace, i, traces), i));
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

  /** Begin a growing card's text again, for another kind of step. @param {Card} card @param {string} kind */
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
    this.page.explain(this.active);
  }

  /** @param {Trace | null} trace @param {unknown} label @param {number} index @returns {Card} */
  #card(trace, label, index) {
    const heat = new Heatmap({
      label: index ? `Branch ${index}, token by token` : "Answer, token by token",
      point: (at, how) => this.page.point(card, at, how),
      sentence: (at, how) => this.page.sentence(card, at, how),
      leave: () => this.page.inspector.leave(this.active),
    });
    const key = trace?.id ?? `live ${++this.made}`;
    const card = { key, trace, tokens: trace?.last.tokens ?? [], prefix: [], label, heat, note: null };
    return card;
  }

  /** @param {Card} card */
  #draw({ heat, tokens, trace }) {
    heat.draw(tokens, trace?.last ?? null, this.shown);
  }

  /** @param {Partial<typeof this.settings>} change */
  #change(change) {
    Object.assign(this.settings, change);
    localStorage.setItem(SETTINGS, JSON.stringify(this.settings));
    for (const card of this.cards) this.#draw(card);
    this.page.paint();
  }

  view() {
    const shown = (/** @type {Card} */ card, /** @type {number} */ i) => this.#shown(card, i);
    const cards = repeat(this.cards, ({ key }) => key, shown);
    return html`<article class="cx-card" ?hidden=${!this.cards.length}><h2 class="cx-question cx-row tight">${this.#title()}</h2>${this.#toolbar()}
      <div>${cards}</div></article>`;
  }

  #title() {
    const { question } = this;
    if (question === undefined) return nothing;
    if (question === null) return muted("Question not saved");
    const again = () => this.page.edit(question);
    return [written(question), iconButton("edit", "Edit and ask again", again)];
  }

  #toolbar() {
    const { colour } = this.settings;
    /** @type {(name: "words" | "focus", words: string, title: string) => unknown} */
    const check = (name, words, title) =>
      html`<label class="cx-check" title=${title}><input type="checkbox" .checked=${live(this.settings[name])}
        @change=${(/** @type {Event} */ event) => this.#change({ [name]: fieldOf(event).checked })}>${words}</label>`;
    const colours = segments({
      ...{ name: "cx-colour", legend: "Colour by", value: colour },
      options: Object.keys(this.scales).map((name) => [name, name]),
      change: (colour) => this.#change({ colour }),
    });
    return html`<div class="cx-toolbar cx-row wrap">${colours}
      ${check("words", "whole words", "Merge the tokens of a word; the weakest one gives the colour")}
      ${check("focus", "focus", "Dim what only repeats the question or carries no meaning")}${legend(this.shown.scale)}</div>`;
  }

  /** @param {Card} card @param {number} index */
  #shown(card, index) {
    const { trace, heat, note } = card;
    const pick = (/** @type {MouseEvent} */ event) => {
      const on = /** @type {Element} */ (event.target).closest(".cx-tok, .cx-marker, button, a");
      if (!trace || on || this.active === card || getSelection()?.toString()) return;
      this.activate(trace.id);
      this.page.paint();
    };
    const active = card === this.active && this.cards.length > 1;
    return html`<section class="cx-branch cx-column ${active ? "active" : ""}" aria-label=${index ? `Branch ${index}` : "Answer"} @click=${pick}>
      <header class="cx-row wrap cx-small"><span class="cx-strong">${card.label}</span>${trace && this.#outcome(trace)}</header>
      ${trace && instead(trace)}${trace && reasoning(trace.last)}
      <div>${heat.view()}</div>${trace && ending(trace.last)}${trace && this.#evidence(card, trace)}${trace && this.#lookUp(trace)}${trace && this.#followUp(trace)}${trace && toPerson(trace)}${trace && this.page.adding.view(trace)}${trace && this.page.sharing.view(trace)}
      ${note ? html`<p class="cx-${note.kind}" role=${note.kind === "error" ? "alert" : "status"}>${note.words}</p>` : nothing}</section>`;
  }

  /** @param {Card} card @param {Trace} trace */
  #evidence(card, { last: { evidence, support } }) {
    if (!evidence.passages.length) return nothing;
    const words = support ?? `${evidence.passages.length} passages`;
    const open = () => this.page.sentence(card, null, "open");
    return html`<p><button type="button" class="cx-link cx-row tight cx-small" @click=${open}>${icon("document")}${words}</button></p>`;
  }

  // An answer that was not given, though nobody has searched the documents for it.
  #lookUp(/** @type {Trace} */ { branched, last: { decision, evidence } }) {
    const { documents, again } = this.page.inspector.lookup;
    const searched = evidence.passages.length > 0 || evidence.looked;
    if (decision.action === "answer" || branched || searched || !documents || !again) return nothing;
    const press = () => this.page.lookUp();
    return html`<p>${button([icon("search"), "Look it up in my documents"], press, { disabled: Boolean(this.page.run) })}</p>`;
  }

  // The next question follows this answer up; no second way where it already does.
  #followUp(/** @type {Trace} */ { id }) {
    if (this.page.conversation.following === id) return nothing;
    const press = () => this.page.followUp(id);
    return html`<p>${button("Follow up", press, { disabled: Boolean(this.page.run), act: `follow ${id}`, title: "Ask the next question in the context of this answer" })}</p>`;
  }

  /** @param {Trace} trace */
  #outcome(trace) {
    const { id, session, last, seconds, correct, answer } = trace;
    /** @type {(text: string, shape: import("../shared/parts.js").Icon, name: string) => unknown} */
    const copy = (text, shape, name) => {
      const press = async () => {
        await copied(text);
        this.set({ copied: text });
        setTimeout(() => this.set({ copied: null }), COPIED);
      };
      return iconButton(this.copied === text ? "answer" : shape, name, press);
    };
    const vote = (/** @type {boolean} */ yes) => {
      const name = `Mark ${trace.person ? "the model's own answer " : ""}as ${yes ? "correct" : "incorrect"}`;
      return iconButton(yes ? "up" : "down", name, () => this.label(trace, yes), {
        pressed: correct === yes,
      });
    };
    const add = trace.question
      ? iconButton("plus", "Add to a dataset", () => this.page.adding.open(trace), { act: `add ${id}` })
      : nothing;
    const share = iconButton("share", "Share", () => this.page.sharing.open(trace), { act: `share ${id}` });
    const took = html`<span class="cx-muted cx-num" title="${last.seconds} s for the answer">${number(seconds)} s</span>`;
    return html`${decision(last.decision.action)}${took}<span class="cx-actions">${copy(answer, "copy", "Copy the answer")}${copy(trace.copy, "copyAll", "Copy with decision, confidence and sources")}${add}${vote(true)}${vote(false)}<a
      class="cx-icon-button" href=${link({ session, trace: id })} title="Link to this answer" aria-label="Link to this answer">${icon("link")}</a>${share}</span>`;
  }
}

/** The way to answer what Codex did not. @param {Trace} trace */
function toPerson({ id, branched, person, last: { decision } }) {
  if (decision.action === "answer" || branched || person) return nothing;
  return html`<p><a class="cx-link cx-row tight cx-small" href=${link({ answer: id }, "label")}>${icon("defer")}Answer it yourself, for whoever asks again</a></p>`;
}

/** @param {Trace["last"]} last */
function ending({ tokens, generation }) {
  if (!tokens.length) return html`<p class="cx-muted">The answer is empty.</p>`;
  return generation.finish_reason === "length"
    ? html`<p class="cx-muted">Cut off at the token limit.</p>`
    : nothing;
}

/** @param {Trace} trace @param {number} index @param {Trace[]} traces */
function titleOf(trace, index, traces) {
  const { branched, parent, steps, last } = trace;
  if (last.larger) return html`<span>Answered by the larger model ${written(last.larger.model)}</span>`;
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
