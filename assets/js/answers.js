// The answer and its branches: one card each, with its heatmap.

import { fill, h, icon, number, reveal, revealToken } from "./dom.js";
import { Heatmap, legend } from "./heatmap.js";
import { badge } from "./verdict.js";

const SETTINGS = "codex.view";
/** What a later answer came after. */
const AGAIN = { retrieve: "after looking it up", reflect: "after a second look" };

export class Answers {
  /**
   * options: {scales, onpoint(card, index, how), onsentence(card, index, how), onevidence(card), onactive(trace),
   * onlabel(trace, correct), onagain(question)}.
   */
  constructor(element, options) {
    this.options = options;
    this.cards = [];
    this.settings = { colour: "probability", words: false, focus: false, ...remembered() };
    this.heading = h("h2.cx-question");
    this.toolbar = this.#toolbar();
    this.list = h("div.cx-cards");
    this.article = h("article.cx-answer", { hidden: true }, this.heading, this.toolbar, this.list);
    element.append(this.article);
    this.#restyle();
  }

  /** Show stored traces: the first answer and its branches. */
  show(question, traces, active) {
    this.#title(question);
    this.cards = traces.map((trace, i) => this.#card(trace, i, traces));
    fill(
      this.list,
      this.cards.map((card) => card.node),
    );
    this.article.hidden = !traces.length;
    this.activate(active ?? traces[0]?.id);
  }

  /** A card that grows: a new question's only one, or a branch beside the others. */
  live(question, prefix, aside) {
    if (!aside) {
      this.#title(question);
      this.cards = [];
    }
    const card = this.#card(
      { id: null, last: { tokens: [], focus: null, words: null }, live: true, aside },
      this.cards.length,
      [],
    );
    card.prefix = prefix;
    this.cards.push(card);
    fill(
      this.list,
      this.cards.map((one) => one.node),
    );
    this.article.hidden = false;
    return card;
  }

  /** Begin a growing card's text anew, for another kind of step. */
  restart(card, kind) {
    card.label.textContent = `Answer, ${AGAIN[kind]}`;
    this.grow(card, []);
  }

  /** Draw a growing card's tokens. */
  grow(card, tokens) {
    card.tokens = [...card.prefix, ...tokens];
    card.heat.draw(card.tokens, null, null, this.view);
  }

  /** Say in a card how it ended. */
  note(card, message, kind) {
    card.state.className = `cx-${kind}`;
    card.state.setAttribute("role", kind === "error" ? "alert" : "status");
    card.state.textContent = message;
    card.state.hidden = false;
  }

  /** Make a trace the one that the right side explains. */
  activate(id) {
    this.active = this.cards.find((card) => card.trace.id === id) ?? null;
    for (const card of this.cards) {
      card.node.classList.toggle("active", card === this.active && this.cards.length > 1);
      if (card !== this.active) card.heat.select(null);
    }
    this.options.onactive(this.active?.trace ?? null);
  }

  #title(question) {
    fill(
      this.heading,
      question === null
        ? h("span.cx-muted", "Question not kept")
        : [
            h("bdi", ...reveal(question)),
            h(
              "button.cx-icon-button",
              {
                title: "Put the question back into the box",
                "aria-label": "Ask again: put the question back into the box",
                onclick: () => this.options.onagain(question),
              },
              icon("edit"),
            ),
          ],
    );
  }

  #card(trace, index, traces) {
    const card = { trace, tokens: trace.last.tokens };
    card.state = h("p", { hidden: true });
    card.label = h(
      "span.cx-card-label",
      trace.live ? (trace.aside ? "New branch" : "Answer") : label(trace, index, traces),
    );
    const heat = h("div");
    card.node = h(
      "section.cx-card",
      { "aria-label": index ? `Branch ${index}` : "Answer" },
      h("header", card.label, trace.id && this.#outcome(trace)),
      trace.id && trace.answer !== trace.last.text && said(trace.answer),
      heat,
      trace.id && ending(trace.last),
      trace.id && this.#evidence(card),
      card.state,
    );
    card.heat = new Heatmap(heat, {
      label: index ? `Branch ${index}, token by token` : "Answer, token by token",
      onpoint: (at, how) => this.options.onpoint(card, at, how),
      onsentence: (at, how) => this.options.onsentence(card, at, how),
    });
    if (trace.id) {
      card.heat.draw(card.tokens, trace.last, trace.last.focus, this.view, trace.last.evidence.sentences);
      card.node.addEventListener("click", (event) => {
        if (
          !event.target.closest(".cx-tok, .cx-marker, button, a") &&
          this.active !== card &&
          !getSelection().toString()
        )
          this.activate(trace.id);
      });
    }
    return card;
  }

  #evidence(card) {
    const { passages, support } = card.trace.last;
    if (!passages.length) return null;
    return h(
      "p",
      h(
        "button.cx-link.cx-supported",
        { onclick: () => this.options.onevidence(card) },
        icon("document"),
        support ?? `${passages.length} passages`,
      ),
    );
  }

  #outcome(trace) {
    const seconds = h(
      "span.cx-muted.cx-num",
      { title: `${trace.last.seconds} s for the answer` },
      `${number(trace.seconds)} s`,
    );
    return [badge(trace.last.decision.action), seconds, this.#actions(trace)];
  }

  #actions(trace) {
    const vote = (correct) =>
      h(
        "button.cx-icon-button",
        {
          "aria-pressed": String(trace.correct === correct),
          title: correct ? "This answer is right" : "This answer is wrong",
          "aria-label": correct ? "Mark as right" : "Mark as wrong",
          onclick: () => this.options.onlabel(trace, correct),
        },
        icon(correct ? "up" : "down"),
      );
    const copy = h(
      "button.cx-icon-button",
      {
        title: "Copy the answer",
        "aria-label": "Copy the answer",
        onclick: async () => {
          await copied(trace.last.text);
          fill(copy, icon("answer"));
          setTimeout(() => fill(copy, icon("copy")), 1200);
        },
      },
      icon("copy"),
    );
    const open = h(
      "a.cx-icon-button",
      {
        href: `?session=${trace.session}&trace=${trace.id}`,
        title: "Link to this answer",
        "aria-label": "Link to this answer",
      },
      icon("link"),
    );
    return h("span.cx-actions", copy, vote(true), vote(false), open);
  }

  #toolbar() {
    const colours = Object.keys(this.options.scales).map((name) =>
      h(
        "label",
        h("input", {
          type: "radio",
          name: "cx-colour",
          value: name,
          checked: this.settings.colour === name,
          onchange: () => this.#set({ colour: name }),
        }),
        h("span", name),
      ),
    );
    const check = (name, text, title) =>
      h(
        "label.cx-check",
        { title },
        h("input", {
          type: "checkbox",
          checked: this.settings[name],
          onchange: (event) => this.#set({ [name]: event.target.checked }),
        }),
        text,
      );
    this.legend = h("div.cx-legend-slot");
    return h(
      "div.cx-toolbar",
      h("fieldset.cx-colour", h("legend.cx-sr", "Colour by"), h("div.cx-segments", colours)),
      check("words", "whole words", "Merge the tokens of a word; its weakest part gives the colour"),
      check("focus", "focus", "Dim what only repeats the question or carries no meaning"),
      this.legend,
    );
  }

  #set(change) {
    Object.assign(this.settings, change);
    localStorage.setItem(SETTINGS, JSON.stringify(this.settings));
    this.#restyle();
  }

  #restyle() {
    const { colour, words, focus } = this.settings;
    this.view = { scale: this.options.scales[colour] ?? Object.values(this.options.scales)[0], words, focus };
    fill(this.legend, legend(this.view.scale));
    for (const card of this.cards)
      card.heat.draw(
        card.tokens,
        card.trace.id ? card.trace.last : null,
        card.trace.last.focus,
        this.view,
        card.trace.last.evidence?.sentences,
      );
  }
}

function said(answer) {
  return h("p.cx-said", h("b", "Codex does not pass this on, and says instead"), h("bdi", ...reveal(answer)));
}

function ending({ tokens, finish }) {
  if (!tokens.length) return h("p.cx-muted", "The model said nothing.");
  return finish === "length" && h("p.cx-muted", "Cut off at the largest number of tokens.");
}

function label(trace, index, traces) {
  if (!trace.branched) return trace.steps.length > 1 ? `Answer, ${AGAIN[trace.last.kind]}` : "Answer";
  const parent = traces.find((one) => one.id === trace.parent);
  const was = parent?.last.tokens[trace.branched.position];
  return h(
    "span",
    `Branch ${index}: `,
    revealToken(trace.branched.text),
    was ? [" instead of ", revealToken(was.text)] : null,
  );
}

// Away from localhost and without TLS a page has no clipboard of its own.
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = h("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(SETTINGS) ?? "{}");
  } catch {
    return {};
  }
}
