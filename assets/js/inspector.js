// The panel that explains: Token, Samples, Signals, Evidence, Steps and Details of the answer that is looked at.

import { bar, figure, fill, h, icon, revealToken, roving } from "./dom.js";
import { evidencePanel } from "./evidence.js";
import { detailsPanel, fact, samplesPanel, signalsPanel } from "./panels.js";
import { stepsPanel } from "./story.js";

const TABS = ["Token", "Samples", "Signals", "Evidence", "Steps", "Details"];

export class Inspector {
  /**
   * options: {onbranch(pointed, token id), onback(pointed), onsentence(index or null), onleave(index), onlookup(),
   * tabs: which of them, by default all}.
   */
  constructor(element, options) {
    this.options = options;
    this.tab = "Token";
    this.rules = [];
    this.live = null;
    this.lookup = { documents: false, again: false };
    this.tabs = (options.tabs ?? TABS).map((name) =>
      h(
        "button",
        {
          role: "tab",
          id: `cx-tab-${name}`,
          "aria-controls": "cx-panel",
          "data-name": name,
          onclick: () => this.open(name),
        },
        name,
      ),
    );
    this.panel = h("div.cx-panel", { role: "tabpanel", id: "cx-panel", tabindex: "0" });
    const list = h("div.cx-tabs", { role: "tablist", "aria-label": "Inspector" }, this.tabs);
    list.addEventListener("keydown", (event) => roving(event, this.tabs) && document.activeElement.click());
    this.panel.addEventListener("keydown", (event) => {
      const at = this.#sentences().indexOf(event.target);
      if (at < 0) return;
      if (event.key === "Escape") options.onleave(at);
      else roving(event, this.#sentences());
    });
    element.append(list, this.panel);
    this.show(null);
  }

  open(name) {
    this.tab = name;
    this.opened = false;
    this.#draw();
  }

  /** trace: what is looked at, or null; context: {noBranch}: why its answer cannot be continued, or null. */
  show(trace, context = {}) {
    Object.assign(this, { trace, context, token: null, live: null, sentence: null });
    // What opened by itself closes by itself.
    if (trace && this.opened && !trace.last.evidence.passages.length) this.open("Token");
    this.#draw();
  }

  /** The rules that the signals are shown with. */
  policy({ rules }) {
    this.rules = rules;
    if (this.tab === "Signals") this.#draw();
  }

  /** Passages that were just found, for the answer that is being written. */
  found(passages) {
    this.live = passages;
    if (this.tab === "Token" && !this.token) Object.assign(this, { tab: "Evidence", opened: true });
    if (this.tab === "Evidence") this.#draw();
  }

  /** What may be looked up: {documents: there are some, again: the question can be asked again}. */
  may(lookup) {
    this.lookup = lookup;
    if (this.tab === "Evidence") this.#draw();
  }

  /** Show what the evidence says of a sentence, by its index or null; its tab opens unless it is only pointed at. */
  showSentence(index, { open }) {
    if (open) this.tab = "Evidence";
    if (this.tab !== "Evidence") return;
    this.sentence = index;
    const at = this.#sentences().indexOf(document.activeElement);
    this.#draw();
    this.#sentences()[at]?.focus();
    for (const part of this.panel.querySelectorAll("li.here")) intoView(this.panel, part);
  }

  /** The sentence that is shown, by its index, or null. */
  get told() {
    return this.tab === "Evidence" ? (this.sentence ?? null) : null;
  }

  /** Move the keyboard to what the evidence says of a sentence, or to all of it. */
  focusSentence(index) {
    (this.#sentences()[index] ?? this.panel).focus({ preventScroll: window.innerWidth >= 1000 });
  }

  #sentences() {
    return [...this.panel.querySelectorAll(".cx-sentence")];
  }

  /** Show a token: {card, token, position, total, parts}; its tab opens unless it is only pointed at. */
  showToken(pointed, { open }) {
    this.token = pointed;
    if (open) this.tab = "Token";
    if (this.tab === "Token") this.#draw();
  }

  /** Move the keyboard into the alternatives. */
  focusAlternatives() {
    (this.panel.querySelector(".cx-alt[tabindex='0']") ?? this.panel.querySelector(".cx-alt"))?.focus();
  }

  #draw() {
    for (const tab of this.tabs) {
      const here = tab.dataset.name === this.tab;
      tab.setAttribute("aria-selected", here);
      tab.tabIndex = here ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", `cx-tab-${this.tab}`);
    const draw = {
      Token: tokenPanel,
      Samples: samplesPanel,
      Signals: signalsPanel,
      Evidence: evidencePanel,
      Steps: stepsPanel,
      Details: detailsPanel,
    }[this.tab];
    const ready = this.tab === "Token" ? this.token : this.trace || (this.tab === "Evidence" && this.live);
    fill(this.panel, ready ? draw(this) : h("p.cx-hint", HINTS[this.tab]));
  }
}

const HINTS = {
  Token:
    "Point at a word of the answer, or reach it with the arrow keys, to see what else the model could have said there.",
  Samples: "What the model says when it is asked the same thing again, grouped by meaning.",
  Signals: "Everything that was measured on the answer, and which rule looks at it.",
  Evidence: "What your documents say of each sentence of the answer.",
  Steps: "What was done with the question, step by step.",
  Details: "Model, parameters, seed and the exact prompt.",
};

// Scrolls the panel alone, not the page.
function intoView(panel, part) {
  const { top, bottom } = part.getBoundingClientRect();
  const frame = panel.getBoundingClientRect();
  if (bottom > frame.bottom) panel.scrollTop += Math.min(bottom - frame.bottom, top - frame.top) + 8;
  else if (top < frame.top) panel.scrollTop -= frame.top - top + 8;
}

function tokenPanel({ token: pointed, options, context: shown }) {
  const context = pointed.card.trace.id
    ? shown
    : { noBranch: "Once the answer is complete, you can continue it from another token." };
  const { token, position, total, parts } = pointed;
  const list = h(
    "ul.cx-alts",
    { "aria-label": "Alternatives, likeliest first" },
    token.alternatives.map((other) => alternative(other, pointed, options, context)),
  );
  const buttons = [...list.querySelectorAll(".cx-alt")];
  const start = buttons.findIndex((button) => button.getAttribute("aria-disabled") !== "true");
  buttons.forEach((button, i) => (button.tabIndex = i === Math.max(0, start) ? 0 : -1));
  list.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || (event.key === "ArrowUp" && document.activeElement === buttons[0])) {
      event.preventDefault();
      options.onback(pointed);
    } else roving(event, buttons);
  });
  const rest = Math.max(0, 1 - token.alternatives.reduce((sum, other) => sum + (other.p ?? 0), 0));
  return [
    h("div.cx-token-head", revealToken(token.text), h("span.cx-muted", `token ${position + 1} of ${total}`)),
    parts.length > 1
      ? h(
          "p.cx-muted.cx-parts",
          "weakest part of ",
          parts.map((part) => revealToken(part)),
        )
      : null,
    h(
      "dl.cx-facts",
      [
        ["p", figure(token.p)],
        ["rank", token.rank ?? (token.alternatives.length ? "beyond the list" : "n/a")],
        [
          token.entropy_exact || token.entropy === null ? "entropy, nats" : "entropy, nats, estimated",
          figure(token.entropy, "nats"),
        ],
      ].map((named) => h("div", fact(...named))),
    ),
    token.given ? h("p.cx-muted", "Given by the branch, not chosen by the model.") : null,
    token.alternatives.length
      ? [
          h("h3", "It could have gone on with"),
          list,
          h("p.cx-rest.cx-muted", h("span", "all others"), bar(rest), figure(rest)),
          h("p.cx-hint", context.noBranch ?? "Pick one to continue from there, beside this answer."),
        ]
      : h("p.cx-hint", "This engine gives no alternatives."),
  ];
}

function alternative(other, pointed, options, context) {
  const chosen = other.id === pointed.token.id;
  const off = chosen || Boolean(context.noBranch);
  const label = other.is_end ? h("span.cx-end", "end of the answer") : revealToken(other.text);
  const said = chosen ? "chosen" : off ? "" : "continue from here";
  return h(
    "li",
    h(
      "button",
      {
        class: `cx-alt${chosen ? " chosen" : ""}`,
        "aria-disabled": off ? "true" : null,
        title: said || null,
        onclick: off ? null : () => options.onbranch(pointed, other.id),
      },
      label,
      bar(other.p ?? 0),
      figure(other.p),
      h("span.cx-alt-mark", icon(chosen ? "answer" : "branch")),
      h("span.cx-sr", said ? `, ${said}` : ""),
    ),
  );
}
