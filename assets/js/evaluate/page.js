// The Evaluate page: runs are started, watched, compared and opened down to the single token.

import { asked, keep } from "../shared/address.js";
import { Confirmation } from "../shared/confirmation.js";
import { JobBar } from "../shared/jobs.js";
import { html } from "../shared/lit.js";
import { having, Page } from "../shared/page.js";
import { button } from "../shared/parts.js";
import { Poller, single, unmoved } from "../shared/server.js";
import { count } from "../shared/words.js";
import { board } from "./board.js";
import { NewRun } from "./new.js";
import { QuestionView } from "./question.js";
import { Questions } from "./questions.js";
import { RunView } from "./run.js";

/** @import {Config, Example, Run, State} from "./types" */

// Milliseconds between two looks: while something runs, and otherwise.
const BUSY = 500;
const IDLE = 4000;
const DELETED = "This run was deleted. What is shown is what it was; nothing new can be read of it.";

/** @param {import("../shared/page.js").Given} given */
export function mount(given) {
  new Evaluate(given).start();
}

class Evaluate extends Page {
  /** @type {State | null} */
  state = null;
  /** @type {Run[] | null} */
  runs = null;
  /** @type {string | null} The run that is opened. */
  open = null;
  /** @type {string | null} Why a run does not go on. */
  failed = null;
  sort = { key: "created", down: true };
  example = single((/** @type {Example} */ wanted) => this.#example(wanted));

  /** @param {import("../shared/page.js").Given} given */
  constructor(given) {
    super(given);
    const { paint, call } = this;
    /** @type {Config} */
    const config = this.config;
    this.confirmation = new Confirmation("Delete a run", paint);
    this.form = new NewRun(this, config, (wanted) => this.begin("start", wanted));
    this.job = new JobBar({
      label: "Evaluation",
      paint,
      cancel: ({ id }) => call("cancel", { job: id }).then(() => this.poller.look()),
      more: (job) => job.run && job.run !== this.open && button("Open it", () => this.#openEnded(job)),
    });
    this.run = new RunView(this, config.downloads, {
      back: () => this.back(),
      measured: () => this.measured(),
      question: (id) => this.read(id),
    });
    this.questions = new Questions(this, (id) => this.read(id, true));
    this.question = new QuestionView(this, config.scales, {
      close: () => this.unread(),
      step: (by) => this.step(by),
    });
    this.poller = new Poller({
      ask: () => call("look", { seen: this.runs && this.state?.version }),
      show: ({ value, error }) => {
        this.job.lost = error?.message ?? null;
        if (value) this.show(value);
        this.paint();
      },
      wait: () => (this.state?.job?.state === "running" || this.state?.scoring ? BUSY : IDLE),
    });
  }

  async start() {
    const query = asked();
    this.paint();
    const [run, question] = [query.get("run"), query.get("question")];
    if (run) this.#reopen(run, question);
    this.poller.start();
    const sets = await this.call("datasets");
    this.form.sets = sets.value ?? null;
    if (sets.error) this.form.form.fail(sets.error.message);
    this.paint();
  }

  /** @param {string} run @param {string | null} question */
  async #reopen(run, question) {
    await this.opened(run);
    if (question && this.open === run && !this.questions.opened) this.read(question, true);
  }

  /** @param {State} state */
  show(state) {
    const ended = this.state?.job?.state === "running" && state.job?.state !== "running";
    this.state = state;
    if (!state.runs) return;
    this.runs = state.runs;
    const run = state.runs.find(({ id }) => id === this.open);
    if (this.open && !run) this.run.lost(DELETED);
    // A run that is asked at the moment grows under the eyes of its reader.
    else if (run && (ended || run.state === "running")) {
      this.run.poller.look();
      this.questions.look();
    }
  }

  // The confidences of the questions are others now.
  measured() {
    this.questions.look();
    if (this.questions.opened && this.open) this.question.look(this.open, this.questions.opened);
  }

  /** @param {string} name @param {object} wanted @returns {Promise<string | null>} */
  async begin(name, wanted) {
    const { value, error } = await this.call(name, wanted);
    if (value && this.state) this.state.job = value;
    this.poller.look();
    return error?.message ?? null;
  }

  /** @param {Example} example */
  async #example({ dataset, limit }) {
    this.form.form.fail(await this.begin("start", { ...this.config.defaults, dataset, limit, name: "" }));
  }

  /** Go on with a run that was stopped. @param {Run} run */
  async resume(run) {
    this.failed = await this.begin("resume", { run: run.id });
    this.paint();
  }

  /** @param {Run} run */
  remove(run) {
    this.confirmation.open({
      question: html`Delete <strong>${run.name}</strong>? Its ${count(run.done)} answers are lost. Calibrators that were fit on it stay. This cannot be undone.`,
      yes: "Delete it",
      doing: "Deleting …",
      run: async () => {
        const { error } = await this.call("delete", { run: run.id });
        this.runs = error ? this.runs : (this.runs?.filter(({ id }) => id !== run.id) ?? null);
        await this.poller.look();
        return error?.message ?? null;
      },
      back: () => this.focus(having("data-act", `delete ${run.id}`), ".cx-runs tbody a"),
    });
  }

  /** @param {{id: string, run: string}} job */
  #openEnded(job) {
    this.job.dismissed = job.id;
    this.opened(job.run);
  }

  /** Open a run. @param {string} id */
  async opened(id) {
    this.unread(false);
    this.open = id;
    keep({ run: id, question: null });
    const [run, questions] = [this.run.open(id), this.questions.show(id)];
    this.paint();
    this.focus(".cx-eval-back");
    await Promise.all([run, questions]);
  }

  back() {
    const id = this.open;
    this.unread(false);
    this.run.close();
    this.open = null;
    keep({ run: null, question: null });
    this.paint();
    this.focus(`${having("data-row", id ?? "")} a`);
  }

  /** Open a question; moved: the keyboard goes along. @param {string} id */
  async read(id, moved = !this.question.shown) {
    const run = this.open;
    if (!run) return;
    const here = unmoved();
    keep({ run, question: id });
    this.questions.opened = id;
    this.paint();
    if (!(await this.question.show(run, id))) return;
    if (moved && here()) this.focus(".cx-eval-question");
    this.find(".cx-eval-reader")?.scrollIntoView({ block: "nearest" });
  }

  unread(focus = true) {
    const id = this.questions.opened;
    if (!id) return;
    this.question.close();
    this.questions.opened = null;
    keep({ question: null });
    this.paint();
    if (focus) this.questions.focus(id);
  }

  /** @param {number} by */
  async step(by) {
    const from = this.questions.opened;
    const next = from && (await this.questions.beside(from, by));
    if (next && this.questions.opened === from) this.read(next);
  }

  view() {
    const { open, state } = this;
    return html`<div class="cx-lab cx-eval ${open ? "opened" : ""}"><h1 class="cx-sr">Evaluate</h1>
      <aside class="cx-lab-side" aria-label="New run">${this.form.view(state)}</aside>
      <section class="cx-lab-main" aria-label="Runs">
        <div data-part="job">${this.job.view(state?.job ?? null)}</div>
        <div ?hidden=${open}>${this.runs && board(this, this.runs)}</div>
        <div data-part="run" ?hidden=${!open}>${open && this.run.view()}
          <div class="cx-eval-split ${this.questions.opened ? "reading" : ""}" ?hidden=${!open}>
            <div class="cx-eval-list">${this.questions.view()}</div>
            <aside class="cx-eval-reader" aria-label="Question" ?hidden=${!this.question.shown}>${this.question.view()}</aside></div></div>
      </section></div>`;
  }
}
