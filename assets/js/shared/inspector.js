// The panel that explains: Token, Samples, Signals, Evidence, Steps and Details of the answer that is looked at.

import { evidencePanel } from "./evidence.js";
import { roving } from "./keys.js";
import { html, keyed, nothing } from "./lit.js";
import { detailsPanel, samplesPanel, signalsPanel, stepsPanel } from "./panels.js";
import { bar, facts, figure, icon, token as tokenText, unseen } from "./parts.js";

/** @import {Alternative, Pointed, PromptPassage, Rule, Trace} from "./types" */

const HINTS = {
  Token:
    "Point at a word of the answer, or reach it with the arrow keys, to see what else the model could have said there.",
  Samples: "What the model says when it is asked the same thing again, grouped by meaning.",
  Signals: "Everything that was measured on the answer, and which rule looks at it.",
  Evidence: "What your documents say of each sentence of the answer.",
  Steps: "What was done with the question, step by step.",
  Details: "Model, parameters, seed and the exact prompt.",
};
/** @typedef {keyof typeof HINTS} Tab */
const TABS = /** @type {Tab[]} */ (Object.keys(HINTS));
const UNFINISHED = "Once the answer is complete, you can continue it from another token.";

/**
 * What it does: continue from an alternative, go back to a token, point at a sentence, go back to one, look up.
 * @typedef {{onbranch: (pointed: Pointed, id: number) => void, onback: (pointed: Pointed) => void,
 *   onsentence: (index: number | null) => void, onleave: (index: number) => void, onlookup: () => void}} Options
 */

export class Inspector {
  /** @type {Tab} */
  tab = "Token";
  /** @type {Trace | null} What is looked at. */
  trace = null;
  /** @type {string | null} Why its answer cannot be continued. */
  closed = null;
  /** @type {Pointed | null} */
  token = null;
  /** @type {PromptPassage[] | null} Passages that were just found, for the answer that is being written. */
  live = null;
  /** @type {number | null} */
  sentence = null;
  /** @type {Rule[]} The rules that the signals are shown with. */
  rules = [];
  /** What may be looked up: there are documents, and the question can be asked again. */
  lookup = { documents: false, again: false };
  /** It opened a tab by itself. */
  opened = false;

  /** @param {() => void} paint @param {Options} options @param {Tab[]} tabs which of them */
  constructor(paint, options, tabs = TABS) {
    this.paint = paint;
    this.options = options;
    this.tabs = tabs;
  }

  /** @param {Tab} name */
  open(name) {
    Object.assign(this, { tab: name, opened: false });
  }

  /** @param {Trace | null} trace @param {string | null} closed */
  show(trace, closed = null) {
    Object.assign(this, { trace, closed, token: null, live: null, sentence: null });
    // What opened by itself closes by itself.
    if (trace && this.opened && !trace.last.evidence.passages.length) this.open("Token");
  }

  /** @param {PromptPassage[]} passages */
  found(passages) {
    this.live = passages;
    if (this.tab === "Token" && !this.token) Object.assign(this, { tab: "Evidence", opened: true });
  }

  /** Show a token; its tab opens unless it is only pointed at. @param {Pointed | null} token */
  point(token, open = false) {
    this.token = token;
    if (open) this.tab = "Token";
  }

  /** Show what the evidence says of a sentence; its tab opens unless it is only pointed at. @param {number | null} index */
  tell(index, open = true) {
    if (open) this.tab = "Evidence";
    if (this.tab !== "Evidence") return;
    this.sentence = index;
    this.paint();
    for (const part of this.panel.querySelectorAll("li.here")) intoView(this.panel, part);
  }

  /** The sentence that is shown, by its index, or null. */
  get told() {
    return this.tab === "Evidence" ? this.sentence : null;
  }

  /** Move the keyboard to what the evidence says of a sentence, or to all of it. @param {number | null} index */
  focusSentence(index) {
    (this.#sentences()[index ?? -1] ?? this.panel).focus({ preventScroll: window.innerWidth >= 1000 });
  }

  /** Move the keyboard into the alternatives. */
  focusAlternatives() {
    const first = this.panel.querySelector(".cx-alt[tabindex='0']") ?? this.panel.querySelector(".cx-alt");
    /** @type {HTMLElement | null} */ (first)?.focus();
  }

  get panel() {
    return /** @type {HTMLElement} */ (document.getElementById("cx-panel"));
  }

  /** @returns {HTMLElement[]} */
  #sentences() {
    return [...this.panel.querySelectorAll(".cx-sentence")].map((it) => /** @type {HTMLElement} */ (it));
  }

  view() {
    const { tab, trace } = this;
    const ready = tab === "Token" ? this.token : trace || (tab === "Evidence" && this.live);
    // Another answer, or another tab, begins as it is at first: nothing in it was opened yet.
    const shown = keyed(
      `${tab} ${trace?.id}`,
      ready ? this.#drawn() : html`<p class="cx-hint">${HINTS[tab]}</p>`,
    );
    return html`<div class="cx-tabs" role="tablist" aria-label="Inspector" @keydown=${this.#tabKey}>${this.tabs.map((name) => this.#tab(name))}</div>
      <div class="cx-panel" role="tabpanel" id="cx-panel" tabindex="0" aria-labelledby="cx-tab-${tab}" @keydown=${this.#panelKey}>${shown}</div>`;
  }

  #tab(/** @type {Tab} */ name) {
    const here = name === this.tab;
    const press = () => {
      this.open(name);
      this.paint();
    };
    // A run without evidence has no such tab.
    const hidden =
      this.tabs.length < TABS.length && name === "Evidence" && !this.trace?.last.evidence.passages.length;
    return html`<button type="button" role="tab" id="cx-tab-${name}" aria-controls="cx-panel" aria-selected=${String(here)} tabindex=${here ? 0 : -1}
      ?hidden=${hidden} @click=${press}>${name}</button>`;
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
    const tabs = [.../** @type {HTMLElement} */ (event.currentTarget).querySelectorAll("button")].filter(
      (tab) => !tab.hidden,
    );
    if (roving(event, tabs)) /** @type {HTMLElement} */ (document.activeElement).click();
  };

  #panelKey = (/** @type {KeyboardEvent} */ event) => {
    const sentences = this.#sentences();
    const at = sentences.indexOf(/** @type {HTMLElement} */ (event.target));
    if (at < 0) return;
    if (event.key === "Escape") this.options.onleave(at);
    else roving(event, sentences);
  };
}

/** Scrolls the panel alone, not the page. @param {HTMLElement} panel @param {Element} part */
function intoView(panel, part) {
  const { top, bottom } = part.getBoundingClientRect();
  const frame = panel.getBoundingClientRect();
  if (bottom > frame.bottom) panel.scrollTop += Math.min(bottom - frame.bottom, top - frame.top) + 8;
  else if (top < frame.top) panel.scrollTop -= frame.top - top + 8;
}

/** @param {Pointed} pointed @param {string | null} closed @param {Options} options */
function tokenPanel(pointed, closed, options) {
  const { token, position, total, parts } = pointed;
  const { alternatives } = token;
  const why = pointed.trace ? closed : UNFINISHED;
  const start = Math.max(
    0,
    alternatives.findIndex(({ id }) => id !== token.id && !why),
  );
  const key = (/** @type {KeyboardEvent} */ event) => {
    const buttons = [.../** @type {HTMLElement} */ (event.currentTarget).querySelectorAll("button")];
    const up = event.key === "ArrowUp" && document.activeElement === buttons[0];
    if (!up && event.key !== "Escape") return roving(event, buttons);
    event.preventDefault();
    options.onback(pointed);
  };
  const rest = Math.max(0, 1 - alternatives.reduce((sum, { p }) => sum + (p ?? 0), 0));
  return html`<div class="cx-token-head">${tokenText(token.text)}<span class="cx-muted">token ${position + 1} of ${total}</span></div>
    ${parts.length > 1 ? html`<p class="cx-muted cx-parts">weakest part of ${parts.map(tokenText)}</p>` : nothing}
    ${facts(
      [
        ["p", figure(token.p)],
        ["rank", token.rank ?? (alternatives.length ? "beyond the list" : "n/a")],
        [
          token.entropy_exact || token.entropy === null ? "entropy, nats" : "entropy, nats, estimated",
          figure(token.entropy, "nats"),
        ],
      ],
      "cx-facts",
    )}
    ${token.given ? html`<p class="cx-muted">Given by the branch, not chosen by the model.</p>` : nothing}
    ${
      alternatives.length
        ? html`<h3>It could have gone on with</h3>
          <ul class="cx-alts" aria-label="Alternatives, likeliest first" @keydown=${key}>${alternatives.map(
            (other, i) => alternative(other, i === start, pointed, why, options),
          )}</ul>
          <p class="cx-rest cx-muted"><span>all others</span>${bar(rest)}${figure(rest)}</p>
          <p class="cx-hint">${why ?? "Pick one to continue from there, beside this answer."}</p>`
        : html`<p class="cx-hint">This engine gives no alternatives.</p>`
    }`;
}

/** @param {Alternative} other @param {boolean} reached @param {Pointed} pointed @param {string | null} why @param {Options} options */
function alternative(other, reached, pointed, why, options) {
  const chosen = other.id === pointed.token.id;
  const off = chosen || Boolean(why);
  const said = chosen ? "chosen" : off ? "" : "continue from here";
  return html`<li><button type="button" class="cx-alt ${chosen ? "chosen" : ""}" aria-disabled=${off ? "true" : nothing} title=${said || nothing}
    tabindex=${reached ? 0 : -1} @click=${off ? nothing : () => options.onbranch(pointed, other.id)}>${
      other.is_end ? html`<span class="cx-end">end of the answer</span>` : tokenText(other.text)
    }${bar(other.p ?? 0)}${figure(other.p)}<span class="cx-alt-mark">${icon(chosen ? "answer" : "branch")}</span>${unseen(said ? `, ${said}` : "")}</button></li>`;
}
