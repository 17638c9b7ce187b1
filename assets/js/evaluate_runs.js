// The leaderboard: every run in a line, with what it found and what can be done with it.

import { confirm } from "./confirm.js";
import { fill, h, icon } from "./dom.js";
import { heads, measured, moment, percent, sorted, written } from "./lab.js";

const STATES = {
  done: { icon: "answer", kind: "answer", words: "done" },
  running: { icon: "clock", kind: "defer", words: "running" },
  stopped: { icon: "skip", kind: "abstain", words: "stopped" },
  failed: { icon: "skip", kind: "abstain", words: "failed" },
};
const COLUMNS = [
  { key: "name", label: "Run" },
  { key: "dataset", label: "Dataset" },
  { key: "done", label: "Questions", number: true },
  { key: "accuracy", label: "Right", number: true, title: "Share of the graded answers that are right" },
  { key: "best_auroc", label: "Best signal", number: true, title: "AUROC of the signal that tells right from wrong best" },
  { key: "auroc", label: "Confidence", number: true, title: "AUROC of a confidence that is cross-fitted on the run's own answers; not the active calibrator's" },
  { key: "ece", label: "ECE", number: true, title: "Expected calibration error of that cross-fitted confidence, 15 bins of equal mass" },
  { key: "state", label: "State" },
  { key: "created", label: "Date", number: true },
  { key: "act", label: "Delete", fixed: "hidden" },
];

export class Runs {
  /** options: {onopen(id), onresume(id) -> message or null, ondelete(id) -> message or null, onexample()}. */
  constructor(element, options) {
    Object.assign(this, { options, runs: [], rows: new Map() });
    this.sort = { key: "created", down: true };
    this.title = h("h2.cx-lab-title");
    this.hint = h("span.cx-hint");
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.asking = h("div.cx-confirm", { role: "alertdialog", "aria-label": "Delete a run", hidden: true });
    this.body = h("tbody");
    this.table = h(
      "section.cx-lab-card",
      { "aria-label": "Leaderboard" },
      h("header.cx-lab-head", this.title, this.hint),
      this.error,
      this.asking,
      h("div.cx-lab-scroll", h("table.cx-lab-table.cx-runs", heads(COLUMNS, this.sort, () => this.#show()), this.body)),
    );
    this.empty = h("section.cx-lab-empty", { "aria-label": "No run yet" });
    element.append(this.table, this.empty);
  }

  /** runs: as the server gives them; example: {dataset, limit} that a first run would ask, or null. */
  show(runs, example) {
    this.runs = runs;
    for (const id of this.rows.keys()) if (!runs.some((run) => run.id === id)) this.rows.delete(id);
    this.table.hidden = !runs.length;
    this.empty.hidden = runs.length > 0;
    fill(
      this.empty,
      h("h2", "Find out how often the model is right, and whether it knows"),
      h(
        "p",
        "A run asks the model every question of a set, grades the answers, and measures which signals tell the right ones from the wrong ones. The Calibrate page turns a run into a confidence that means what it says.",
      ),
      example
        ? h(
            "button.cx-button.primary",
            { onclick: () => this.options.onexample(example) },
            `Ask ${example.limit} questions of ${example.dataset}`,
          )
        : null,
    );
    this.#show();
  }

  /** Whether figures are being measured at the moment. */
  measuring(now) {
    this.hint.className = now ? "cx-progress" : "cx-hint";
    this.hint.textContent = now
      ? "Measuring the runs"
      : "Confidence and ECE are cross-fitted on each run's own answers, not by the active calibrator.";
  }

  /** Move the keyboard to a run. */
  focus(id) {
    this.body.querySelector(`[data-run="${CSS.escape(id)}"] a`)?.focus();
  }

  #show() {
    this.title.textContent = `${this.runs.length} ${this.runs.length === 1 ? "run" : "runs"}`;
    const focused = document.activeElement;
    const rows = sorted(this.runs, this.sort).map((run) => this.#row(run));
    if (rows.length !== this.body.children.length || rows.some((row, i) => row !== this.body.children[i]))
      fill(this.body, rows);
    if (focused?.dataset?.act && !focused.isConnected)
      this.body.querySelector(`[data-act="${CSS.escape(focused.dataset.act)}"]`)?.focus({ preventScroll: true });
  }

  #row(run) {
    const key = JSON.stringify(run);
    const known = this.rows.get(run.id);
    if (known?.key === key) return known.row;
    const row = h(
      "tr",
      { "data-run": run.id },
      h(
        "th",
        { scope: "row" },
        this.#name(run),
        h("span.cx-lab-sub", written(run.model)),
        run.failure ? h("span.cx-lab-sub.cx-eval-failure", written(run.failure)) : null,
      ),
      h("td", written(run.dataset)),
      h(
        "td.cx-num",
        run.done < run.total ? `${run.done.toLocaleString("en")} of ${run.total.toLocaleString("en")}` : run.total.toLocaleString("en"),
        run.failed ? h("span.cx-lab-sub", `${run.failed.toLocaleString("en")} failed`) : null,
      ),
      h("td.cx-num", percent(run.accuracy)),
      h("td.cx-num", figures(run, run.best_auroc), run.best ? h("span.cx-lab-sub", run.best) : null),
      h("td.cx-num", figures(run, run.auroc)),
      h("td.cx-num", figures(run, run.ece)),
      h("td", this.#state(run)),
      h("td.cx-num", moment(run.created)),
      h("td.cx-act", this.#delete(run)),
    );
    this.rows.set(run.id, { key, row });
    return row;
  }

  #name(run) {
    return h(
      "a",
      {
        href: `?${new URLSearchParams({ run: run.id })}`,
        "data-act": `open ${run.id}`,
        onclick: (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          this.options.onopen(run.id);
        },
      },
      written(run.name),
    );
  }

  #state(run) {
    const { icon: shape, kind, words } = STATES[run.state];
    const badge = h(`span.cx-badge.${kind}`, icon(shape), words);
    if (!run.resumable) return badge;
    const go = h(
      "button.cx-button.small",
      {
        "aria-label": `Go on with ${run.name}`,
        "data-act": `resume ${run.id}`,
        onclick: async () => {
          go.disabled = true;
          this.fail(await this.options.onresume(run.id));
          go.disabled = false;
        },
      },
      "Go on",
    );
    return h("span.cx-lab-state", badge, go);
  }

  fail(message) {
    this.error.hidden = !message;
    this.error.textContent = message ?? "";
  }

  #delete(run) {
    if (run.state === "running") return null;
    const button = h(
      "button.cx-icon-button",
      {
        title: "Delete",
        "aria-label": `Delete ${run.name}`,
        "data-act": `delete ${run.id}`,
        onclick: () =>
          confirm(this.asking, {
            question: [
              "Delete ",
              h("strong", written(run.name)),
              `? Its ${run.done.toLocaleString("en")} answers are lost. Calibrators that were fit on it stay. This cannot be undone.`,
            ],
            yes: "Delete it",
            doing: "Deleting …",
            run: () => this.options.ondelete(run.id),
            back: () => (this.body.querySelector(`[data-act="delete ${CSS.escape(run.id)}"]`) ?? this.body.querySelector("a"))?.focus(),
          }),
      },
      icon("close"),
    );
    return button;
  }
}

function figures(run, value) {
  if (value !== null || !run.note) return run.scoring && value === null ? h("span.cx-muted", { title: "being measured" }, "…") : measured(value);
  return h("span", { title: run.note }, "–");
}
