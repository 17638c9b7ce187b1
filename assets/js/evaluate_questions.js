// The questions of a run, in pages: filtered by how they were answered, sorted, each to be opened.

import { bar, fill, h, icon } from "./dom.js";
import { heads, measured, written } from "./lab.js";

const FILTERS = [
  ["all", "all"],
  ["wrong", "wrong"],
  ["right", "right"],
  ["ungraded", "not graded"],
];
const COLUMNS = [
  { key: "question", label: "Question" },
  { key: "answer", label: "Answer" },
  { key: "right", label: "Graded" },
  { key: "confidence", label: "Confidence", number: true, title: "Cross-fitted on this run's own answers; the heuristic while that is not measured, or cannot be" },
];
const VERDICTS = {
  true: { kind: "answer", shape: "answer", words: "right" },
  false: { kind: "abstain", shape: "close", words: "wrong" },
};

/** What the grader says of a question, as colour, icon and word. */
export function verdict({ right, error }) {
  const { kind, shape, words } = VERDICTS[right] ?? {
    kind: "defer",
    shape: "skip",
    words: error ? "failed" : "not graded",
  };
  return h(`span.cx-badge.${kind}`, icon(shape), words);
}

export class Questions {
  /** options: {call, onopen(question id, opener)}. */
  constructor(element, options) {
    Object.assign(this, { options, filter: "all", page: 0, opened: null });
    this.sort = { key: "", down: false };
    this.title = h("h2.cx-lab-title", "Questions");
    this.counts = {};
    this.filters = h(
      "fieldset.cx-segments",
      h("legend.cx-sr", "Show"),
      FILTERS.map(([value, words]) => {
        const count = h("small.cx-num");
        this.counts[value] = count;
        return h(
          "label",
          h("input", {
            type: "radio",
            name: "cx-question-filter",
            value,
            checked: value === "all",
            onchange: () => this.#turn({ filter: value, page: 0 }),
          }),
          h("span", words, " ", count),
        );
      }),
    );
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.body = h("tbody");
    this.table = h("table.cx-lab-table.cx-questions", heads(COLUMNS, this.sort, () => this.#turn({ page: 0 })), this.body);
    this.none = h("p.cx-hint.cx-lab-none", { hidden: true }, "No question was answered like that.");
    this.pager = h("nav.cx-pager", { "aria-label": "Pages of the questions" });
    element.append(
      h(
        "section.cx-lab-card",
        { "aria-label": "Questions" },
        h("header.cx-lab-head", this.title, this.filters),
        this.error,
        h("div.cx-lab-scroll", this.table),
        this.none,
        this.pager,
      ),
    );
  }

  /** Show the questions of a run, from the beginning. */
  async show(run) {
    if (this.run !== run) {
      Object.assign(this, { run, filter: "all", page: 0, opened: null });
      fill(this.body);
      this.filters.querySelector("input").checked = true;
    }
    await this.look();
  }

  /** Read the lines that are wanted; whether they came and are still wanted. */
  async look() {
    const wanted = { run: this.run, filter: this.filter, page: this.page, sort: this.sort.key || null, down: this.sort.down };
    this.wanted = wanted;
    this.table.ariaBusy = "true";
    const { value, error } = await this.options.call("questions", wanted);
    if (this.wanted !== wanted) return false; // asked for other lines since
    this.table.ariaBusy = null;
    this.error.hidden = !error;
    this.error.textContent = error?.message ?? "";
    if (value) this.#show(value);
    return Boolean(value);
  }

  /** Mark the question that is open. */
  mark(id) {
    this.opened = id;
    for (const row of this.body.children) row.classList.toggle("here", row.dataset.question === id);
  }

  /** The ids on this page, in order. */
  get ids() {
    return [...this.body.children].map((row) => row.dataset.question);
  }

  /** Move the keyboard to a question. */
  focus(id) {
    (this.body.querySelector(`[data-question="${CSS.escape(id ?? "")}"] a`) ?? this.body.querySelector("a"))?.focus();
  }

  /** The question before or after another one, turning the page where it must; null at the ends. */
  async beside(id, step) {
    const at = this.ids.indexOf(id) + step;
    if (this.ids[at]) return this.ids[at];
    if (!this.#has(step)) return null;
    if (!(await this.#turn({ page: this.shown + step }))) return null;
    return this.ids.at(step > 0 ? 0 : -1) ?? null;
  }

  #has(step) {
    return this.shown + step >= 0 && this.shown + step < this.pages;
  }

  #turn(change) {
    Object.assign(this, change);
    return this.look();
  }

  #show({ rows, total, first, size, counts }) {
    this.pages = Math.max(1, Math.ceil(total / size));
    this.shown = first / size;
    for (const [value, node] of Object.entries(this.counts)) node.textContent = counts[value].toLocaleString("en");
    const key = JSON.stringify(rows);
    if (key !== this.key || !this.body.children.length) {
      const focused = document.activeElement?.closest?.("tr")?.dataset.question;
      fill(this.body, rows.map((row) => this.#row(row)));
      if (focused && this.body.querySelector(`[data-question="${CSS.escape(focused)}"]`)) this.focus(focused);
    }
    this.key = key;
    this.mark(this.opened);
    this.none.hidden = total > 0;
    this.#pager(first, rows.length, total);
  }

  #row(row) {
    const link = h(
      "a",
      {
        href: `?${new URLSearchParams({ run: this.run, question: row.id })}`,
        onclick: (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          this.options.onopen(row.id, link);
        },
      },
      written(row.question),
    );
    return h(
      "tr",
      { "data-question": row.id },
      h("th", { scope: "row" }, link),
      h("td", row.error ? h("span.cx-muted", written(row.error)) : written(row.answer)),
      h("td", verdict(row)),
      h("td.cx-num", h("span.cx-eval-confidence", row.confidence === null ? null : bar(row.confidence, "accent"), measured(row.confidence))),
    );
  }

  #pager(first, shown, total) {
    this.pager.hidden = this.pages < 2;
    const go = (step, label, name) =>
      h(
        "button.cx-icon-button",
        {
          "aria-label": label,
          title: label,
          disabled: !this.#has(step),
          onclick: () => this.#turn({ page: this.shown + step }),
        },
        icon(name),
      );
    const focused = this.pager.contains(document.activeElement) ? document.activeElement.ariaLabel : null;
    fill(
      this.pager,
      go(-1, "Page before", "back"),
      h("span.cx-num", `${(first + 1).toLocaleString("en")}–${(first + shown).toLocaleString("en")} of ${total.toLocaleString("en")}`),
      go(1, "Next page", "next"),
    );
    if (focused) this.pager.querySelector(`[aria-label="${focused}"]:enabled`)?.focus();
  }
}
