// The panel that explains: Token, Samples, Signals, Evidence, Steps and Details of the answer that is looked at.

import { all, ownerOf, roving } from "./events.js";
import { evidencePanel } from "./evidence.js";
import { html, keyed, nothing } from "./lit.js";
import { detailsPanel, samplesPanel, signalsPanel, stepsPanel } from "./panels.js";
import { bar, facts, hint, icon, metric, muted, token as tokenText, unseen } from "./parts.js";

/** @import {How} from "./heatmap.js" */
/** @import {Alternative, Inspected, InspectorOptions, Pointed, PromptPassage, Rule, Trace} from "./types" */

const HINTS = {
  Token:
    "Point at a word of the answer, or reach it with the arrow keys, to see what the model could have said instead.",
  Samples: "What the model says when it is asked the same question again, grouped by meaning.",
  Signals: "Everything that was measured on the answer, and which rule uses it.",
  Evidence: "What your documents say about each sentence of the answer.",
  Steps: "How the question was handled, step by step.",
  Details: "Model, parameters, seed and the exact prompt.",
};
/** @typedef {keyof typeof HINTS} Tab */
const TABS = /** @type {Tab[]} */ (Object.keys(HINTS));
const UNFINISHED = "Once the answer is complete, you can continue it from another token.";

export class Inspector {
  /** @type {Tab} */
  tab = "Token";
  /** @type {Trace | null} What is looked at. */
  trace = null;
  /** @type {string | null} Why its answer cannot be continued. */
  closed = null;
  /** @type {Pointed | null} */
  token = null;
  /** @type {Pointed | null} The token to go back to when the pointer leaves. */
  picked = null;
  /** @type {PromptPassage[] | null} Passages that were just found, for the answer that is being written. */
  live = null;
  /** @type {number | null} */
  sentence = null;
  /** @type {Rule[]} The rules that the signals are shown with. */
  rules = [];
  /** What may be retrieved: there are documents, and the question can be asked again. */
  lookup = { documents: false, again: false };
  /** It opened a tab by itself. */
  opened = false;

  /** @param {() => void} paint @param {InspectorOptions} options @param {Tab[]} tabs which of them */
  constructor(paint, options, tabs = TABS) {
    this.paint = paint;
    this.options = options;
    this.tabs = tabs;
  }

  /** @param {Tab} name */
  open(name) {
    Object.assign(this, { tab: name, opened: false });
  }

  /** Explain an answer, at first its weakest token. @param {Inspected | null} shown @param {string | null} closed */
  show(shown, closed = null) {
    const { trace = null, heat } = shown ?? {};
    Object.assign(this, { trace, closed, token: null, picked: null, live: null, sentence: null });
    // What opened by itself closes by itself.
    if (trace && this.opened && !trace.last.evidence.passages.length) this.open("Token");
    const weakest = trace?.last.weakest ?? null;
    if (!shown || !heat || weakest === null) return;
    heat.select(weakest);
    heat.told = null;
    this.token = this.picked = pointed(shown, weakest);
  }

  /** @param {PromptPassage[]} passages */
  found(passages) {
    this.live = passages;
    if (this.tab === "Token" && !this.token) Object.assign(this, { tab: "Evidence", opened: true });
  }

  /** Show a token of an answer; its tab opens unless it is only pointed at. @param {Inspected} of @param {number} index @param {How} how */
  point(of, index, how) {
    const hover = how === "hover" || !of.trace;
    this.token = pointed(of, index);
    if (hover && of.trace === this.trace) of.heat.told = this.#told;
    if (!hover) {
      this.picked = this.token;
      this.tab = "Token";
      of.heat.select(index);
      of.heat.told = null;
    }
    this.paint();
    if (how === "open" && !hover) this.#focusAlternatives();
  }

  /** The pointer has left an answer. @param {Inspected | null} of */
  leave(of) {
    if (of) of.heat.told = this.#told;
    if (this.picked) this.token = this.picked;
    this.paint();
  }

  /** Show what the evidence says of a sentence, or of all; its tab opens unless it is only pointed at. @param {Inspected} of @param {number | null} index @param {How} how */
  tell(of, index, how) {
    of.heat.told = index;
    if (how !== "hover") this.tab = "Evidence";
    if (this.tab === "Evidence") this.sentence = index;
    this.paint();
    if (this.tab === "Evidence") for (const part of all(this.panel, "li.here")) intoView(this.panel, part);
    if (how !== "open") return;
    const to = all(this.panel, ".cx-sentence")[index ?? -1] ?? this.panel;
    to.focus({ preventScroll: window.innerWidth >= 1000 });
  }

  /** The sentence that is shown, by its index, or null. */
  get #told() {
    return this.tab === "Evidence" ? this.sentence : null;
  }

  #focusAlternatives() {
    const found = all(this.panel, ".cx-alt");
    (found.find(({ tabIndex }) => tabIndex === 0) ?? found[0])?.focus();
  }

  get panel() {
    return /** @type {HTMLElement} */ (document.getElementById("cx-panel"));
  }

  view() {
    const { tab, trace } = this;
    const ready = tab === "Token" ? this.token : trace || (tab === "Evidence" && this.live);
    // Another answer, or another tab, begins as it is at first: nothing in it was opened yet.
    const shown = keyed(`${tab} ${trace?.id}`, ready ? this.#drawn() : hint(HINTS[tab]));
    return html`<div class="cx-tabs cx-row" role="tablist" aria-label="Inspector" @keydown=${this.#tabKey}>${this.tabs.map((name) => this.#tab(name))}</div>
      <div class="cx-panel" role="tabpanel" id="cx-panel" tabindex="0" aria-labelledby="cx-tab-${tab}" @keydown=${this.#panelKey}>${shown}</div>`;
  }

  #tab(/** @type {Tab} */ name) {
    const here = name === this.tab;
    const press = () => {
      this.open(name);
      this.paint();
    };
    // A run without evidence has no such tab.
    const some = this.tabs.length === TABS.length || this.trace?.last.evidence.passages.length;
    return html`<button type="button" role="tab" id="cx-tab-${name}" aria-controls="cx-panel" aria-selected=${String(here)} tabindex=${here ? 0 : -1}
      ?hidden=${name === "Evidence" && !some} @click=${press}>${name}</button>`;
  }

  #drawn() {
    const trace = /** @type {Trace} */ (this.trace);
    if (this.tab === "Token")
      return tokenPanel(/** @type {Pointed} */ (this.token), this.closed, this.options);
    if (this.tab === "Evidence") return evidencePanel(this);
    if (this.tab === "Samples") return samplesPanel(trace);
    if (this.tab === "Signals") return signalsPanel(trace, this.rules);
    return this.tab === "Steps" ? stepsPanel(trace) : detailsPanel(trace);
  }

  #tabKey = (/** @type {KeyboardEvent} */ event) => {
    const tabs = all(ownerOf(event), "button:not([hidden])");
    if (roving(event, tabs)) /** @type {HTMLElement} */ (document.activeElement).click();
  };

  #panelKey = (/** @type {KeyboardEvent} */ event) => {
    const sentences = all(this.panel, ".cx-sentence");
    const at = sentences.indexOf(/** @type {HTMLElement} */ (event.target));
    if (at < 0) return;
    if (event.key === "Escape") this.options.onleave(at);
    else roving(event, sentences);
  };
}

/** @param {Inspected} of @param {number} position @returns {Pointed} */
function pointed(of, position) {
  return { ...of.heat.pointed(position), heat: of.heat, trace: of.trace };
}

/** Scrolls the panel alone, not the page. @param {HTMLElement} panel @param {Element} part */
function intoView(panel, part) {
  const { top, bottom } = part.getBoundingClientRect();
  const frame = panel.getBoundingClientRect();
  if (bottom > frame.bottom) panel.scrollTop += Math.min(bottom - frame.bottom, top - frame.top) + 8;
  else if (top < frame.top) panel.scrollTop -= frame.top - top + 8;
}

/** @param {Pointed} pointed @param {string | null} closed @param {InspectorOptions} options */
function tokenPanel(pointed, closed, options) {
  const { token, position, total, parts } = pointed;
  const { alternatives } = token;
  const why = pointed.trace ? closed : UNFINISHED;
  const start = Math.max(0, why ? 0 : alternatives.findIndex(({ id }) => id !== token.id));
  const key = (/** @type {KeyboardEvent} */ event) => {
    const buttons = all(ownerOf(event), "button");
    const up = event.key === "ArrowUp" && document.activeElement === buttons[0];
    if (!up && event.key !== "Escape") return roving(event, buttons);
    event.preventDefault();
    pointed.heat.focusToken(pointed.position);
  };
  const rest = Math.max(0, 1 - alternatives.reduce((sum, { p }) => sum + (p ?? 0), 0));
  const estimated = token.entropy_exact || token.entropy === null ? "" : ", estimated";
  const others = () => html`<h3>Instead it could have said</h3>
    <ul class="cx-alts" aria-label="Alternatives, most likely first" @keydown=${key}>${alternatives.map(
      (other, i) => alternative(other, i === start, pointed, why, options),
    )}</ul>
    <p class="cx-rest cx-muted"><span>all others</span>${bar(rest)}${metric(rest)}</p>
    ${hint(why ?? "Pick one to continue from there, beside this answer.")}`;
  return html`<div class="cx-row between">${tokenText(token.text)}${muted(`token ${position + 1} of ${total}`)}</div>
    ${parts.length > 1 ? html`<p class="cx-muted cx-parts">weakest part of ${parts.map(tokenText)}</p>` : nothing}
    ${facts([
      ["p", metric(token.p)],
      ["rank", token.rank ?? (alternatives.length ? "not in the list" : "n/a")],
      [`entropy, nats${estimated}`, metric(token.entropy, "nats")],
    ])}
    ${token.given ? html`<p class="cx-muted">Given by the branch, not chosen by the model.</p>` : nothing}
    ${alternatives.length ? others() : hint("This engine reports no alternatives.")}`;
}

/** @param {Alternative} other @param {boolean} reached @param {Pointed} pointed @param {string | null} why @param {InspectorOptions} options */
function alternative(other, reached, pointed, why, options) {
  const chosen = other.id === pointed.token.id;
  const off = chosen || Boolean(why);
  const said = chosen ? "chosen" : off ? "" : "continue from here";
  const text = other.is_end ? html`<span class="cx-end">end of the answer</span>` : tokenText(other.text);
  return html`<li><button type="button" class="cx-item cx-alt ${chosen ? "chosen" : ""}" aria-disabled=${off ? "true" : nothing} title=${said || nothing}
    tabindex=${reached ? 0 : -1} @click=${off ? nothing : () => options.onbranch?.(pointed, other.id)}>${text}${bar(other.p ?? 0)}${metric(other.p)}<span
    class="cx-alt-mark">${icon(chosen ? "answer" : "branch")}</span>${unseen(said ? `, ${said}` : "")}</button></li>`;
}
