// One question of a run: the answer token by token, the samples and signals, and how it was graded.

import { fill, h, icon } from "./dom.js";
import { Heatmap, legend } from "./heatmap.js";
import { verdict } from "./evaluate_questions.js";
import { Inspector } from "./inspector.js";
import { measured, written } from "./lab.js";

const CLOSED = "This answer belongs to a run. Ask the question on the Ask page to continue it from another token.";

export class Question {
  /** options: {call, scales, onclose(), onstep(step)}. */
  constructor(element, options) {
    Object.assign(this, { element, options, scale: "probability" });
    const step = (by, label, name) =>
      h("button.cx-icon-button", { "aria-label": label, title: label, onclick: () => options.onstep(by) }, icon(name));
    this.title = h("h2.cx-eval-question", { tabindex: "-1" });
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.grade = h("div.cx-eval-grade");
    this.legend = h("div");
    const heat = h("div.cx-eval-heat");
    this.heat = new Heatmap(heat, {
      label: "Answer, token by token",
      onpoint: (index, how) => this.#point(index, how),
      onsentence: (index, how) => this.#sentence(index, how),
    });
    this.colours = h(
      "fieldset.cx-segments",
      h("legend.cx-sr", "Colour by"),
      Object.keys(options.scales).map((name) =>
        h(
          "label",
          h("input", {
            type: "radio",
            name: "cx-colour",
            value: name,
            checked: name === this.scale,
            onchange: () => {
              this.scale = name;
              this.#draw();
            },
          }),
          h("span", name),
        ),
      ),
    );
    const inspector = h("section.cx-inspector", { "aria-label": "Inspector" });
    this.inspector = new Inspector(inspector, {
      tabs: ["Token", "Samples", "Signals", "Evidence"],
      onbranch: () => {},
      onback: (pointed) => this.heat.focusToken(pointed.position),
      onsentence: (index) => this.#sentence(index, "pick"),
      onleave: (index) => this.heat.focusSentence(index),
      onlookup: () => {},
    });
    element.append(
      h(
        "div.cx-lab-card.cx-eval-answer",
        h(
          "header.cx-lab-head",
          this.title,
          step(-1, "Question before", "back"),
          step(1, "Next question", "next"),
          h("button.cx-icon-button", { "aria-label": "Close the question", title: "Close", onclick: options.onclose }, icon("close")),
        ),
        this.error,
        this.grade,
        heat,
        h("div.cx-eval-colours", this.colours, this.legend),
      ),
      inspector,
    );
    element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) options.onclose();
    });
  }

  /** Show a question of a run; whether it is still wanted when it has come. */
  async show(run, id) {
    this.wanted = `${run} ${id}`;
    const wanted = this.wanted;
    const { value, error } = await this.options.call("question", { run, question: id });
    if (this.wanted !== wanted) return false;
    this.element.hidden = false;
    this.error.hidden = !error;
    this.error.textContent = error?.message ?? "";
    if (!value) {
      fill(this.title, "The question cannot be shown");
      fill(this.grade);
      this.trace = { id, last: { tokens: [], units: [], words: [], focus: [], evidence: { sentences: [] } } };
      this.inspector.show(null);
    } else {
      this.trace = value;
      fill(this.title, written(value.question));
      fill(this.grade, graded(value));
      this.inspector.show(value, { noBranch: CLOSED });
      this.inspector.policy({ rules: value.rules });
      const evidence = this.inspector.tabs.at(-1);
      evidence.hidden = !value.last.evidence.passages.length;
      if (evidence.hidden && this.inspector.tab === "Evidence") this.inspector.open("Token");
    }
    this.#draw();
    const weakest = value ? value.weakest : null;
    if (weakest === null) return true;
    this.picked = this.#pointed(weakest);
    this.heat.select(weakest);
    this.inspector.showToken(this.picked, { open: false });
    return true;
  }

  /** Read anew how the question that is shown was graded, and how sure of it the model is. */
  async look(run, id) {
    const { value } = await this.options.call("question", { run, question: id });
    if (value && this.wanted === `${run} ${id}`) fill(this.grade, graded(value));
  }

  /** Take it away, and what is still on its way too. */
  close() {
    this.wanted = null;
    this.element.hidden = true;
  }

  focus() {
    this.title.focus();
  }

  #draw() {
    const { tokens, focus, evidence } = this.trace.last;
    const scale = this.options.scales[this.scale];
    fill(this.legend, legend(scale));
    this.heat.draw(tokens, this.trace.last, focus, { scale, words: false, focus: false }, evidence.sentences);
  }

  #point(index, how) {
    if (how === "leave") return this.picked && this.inspector.showToken(this.picked, { open: false });
    const pointed = this.#pointed(index);
    if (how === "hover") return this.inspector.showToken(pointed, { open: false });
    this.picked = pointed;
    this.heat.select(index);
    this.inspector.showToken(pointed, { open: true });
    if (how === "open") this.inspector.focusAlternatives();
  }

  #sentence(index, how) {
    this.heat.tell(index);
    this.inspector.showSentence(index, { open: how !== "hover" });
    if (how === "open") this.inspector.focusSentence(index);
  }

  #pointed(position) {
    const { tokens } = this.trace.last;
    const unit = this.heat.units.find(({ from, end }) => position >= from && position < end);
    return {
      card: { trace: this.trace, heat: this.heat },
      position,
      token: tokens[position],
      total: tokens.length,
      parts: unit ? tokens.slice(unit.from, unit.end).map(({ text }) => text) : [],
    };
  }
}

function graded(value) {
  const accepted = value.answers.length ? value.answers.map((answer) => h("li", written(answer))) : h("li", "only a refusal");
  return [
    verdict(value),
    h("span.cx-muted", "confidence ", measured(value.confidence), value.confidence === null ? null : `, ${value.source}`),
    value.grade === null ? null : h("span.cx-muted", "grade ", measured(value.grade)),
    value.seconds ? h("span.cx-muted.cx-num", `${value.seconds.toFixed(2)} s`) : null,
    value.error ? h("p.cx-error", written(value.error)) : null,
    h("div.cx-eval-accepted", h("span.cx-muted", "accepted: "), h("ul", accepted)),
  ];
}
