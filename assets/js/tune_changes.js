// The questions that changed sides, and which way.

import { fill, h, icon, number, reveal } from "./dom.js";
import { counted } from "./tune_outcome.js";
import { badge } from "./verdict.js";

const MORE = 100;

export class Changes {
  /** options: {shown: questions at first, onchange()}. */
  constructor(element, options) {
    Object.assign(this, { options, limit: options.shown, since: "movement" });
    this.count = h("h2");
    this.moves = h("ul.cx-tuning-moves");
    this.body = h("tbody");
    this.more = h("button.cx-button.small", {
      onclick: () => {
        this.limit += MORE;
        this.options.onchange();
      },
    });
    this.table = h(
      "table",
      h("caption.cx-sr", "Questions that changed sides"),
      h(
        "thead",
        h(
          "tr",
          ["Question and answer", "Changed", "Answer is", "Confidence"].map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      this.body,
    );
    this.against = h("span", "the other policy");
    const choice = (value, label) =>
      h(
        "label",
        h("input", {
          type: "radio",
          name: "cx-tuning-since",
          value,
          checked: value === this.since,
          onchange: () => {
            this.since = value;
            this.limit = this.options.shown;
            this.options.onchange();
          },
        }),
        h("span", label),
      );
    element.append(
      h(
        "section.cx-lab-card.cx-tuning-card",
        { "aria-label": "Changed sides" },
        h(
          "header.cx-tuning-head",
          this.count,
          h(
            "div.cx-segments",
            { role: "radiogroup", "aria-label": "Counted from" },
            choice("movement", "last movement"),
            choice("other", this.against),
          ),
        ),
        this.moves,
        this.table,
        this.more,
      ),
    );
  }

  show({ total, moves, questions }, other) {
    this.count.textContent = total ? `${counted(total, "question")} changed sides` : "No question changed sides";
    this.against.textContent = `against ${other}`;
    fill(
      this.moves,
      moves.map(({ from, to, count, right }) =>
        h(
          "li",
          badge(from),
          icon("go"),
          badge(to),
          h("span.cx-num", `${count.toLocaleString("en")}`),
          h("span.cx-muted.cx-num", `${right.toLocaleString("en")} right, ${(count - right).toLocaleString("en")} wrong`),
        ),
      ),
    );
    this.table.hidden = !total;
    fill(this.body, questions.map(row));
    this.more.hidden = questions.length >= total;
    this.more.textContent = `Show more: ${questions.length.toLocaleString("en")} of ${total.toLocaleString("en")}`;
  }
}

function row({ question, text, from, to, right, confidence }) {
  return h(
    "tr",
    h(
      "th",
      { scope: "row" },
      h("bdi.cx-tuning-question", ...reveal(question)),
      h("bdi.cx-tuning-text.cx-muted", { title: text }, ...reveal(text)),
    ),
    h("td", h("span.cx-tuning-way", badge(from), icon("go"), h("span.cx-sr", " to "), badge(to))),
    h(
      "td",
      h("span", { class: `cx-tuning-truth ${right ? "right" : "wrong"}` }, icon(right ? "answer" : "close"), right ? "right" : "wrong"),
    ),
    h("td.cx-num", { title: confidence === null ? "not available" : String(confidence) }, number(confidence)),
  );
}
