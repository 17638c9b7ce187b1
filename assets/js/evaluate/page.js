// The Evaluate page: runs are started, watched, compared and opened down to the single token.

import { asked, keep, returned, settle } from "../shared/address.js";
import { Confirmation } from "../shared/confirmation.js";
import { unmoved } from "../shared/events.js";
import { JobPage } from "../shared/jobs.js";
import { html } from "../shared/lit.js";
import { having } from "../shared/page.js";
import { button } from "../shared/parts.js";
import { single } from "../shared/server.js";
import { count } from "../shared/words.js";
import { board } from "./board.js";
import { Comparison } from "./compare.js";
import { NewRun } from "./form.js";
import { QuestionView } from "./question.js";
import { Questions } from "./questions.js";
import { RunView } from "./run.js";
import { Slices } from "./slices.js";
import { Upload } from "./upload.js";

/** @import {Given} from "../shared/types" */
/** @import {Example, Run, State} from "./types" */

const DELETED = "This run was deleted. What you see is from before; nothing new can be read.";

/** @param {Given} given */
export function mount(given) {
  new Evaluate(given).start();
}

/** @extends {JobPage<State>} */
export class Evaluate extends JobPage {
  /** @type {Run[] | null} */
  runs = null;
  /** @type {string | null} The run that is opened. */
  open = null;
  /** @type {string | null} Why a run does not resume. */
  failed = null;
  sort = { key: "created", down: true };
  confirmation = new Confirmation("Delete a run", this.paint);
  form = new NewRun(this);
  upload = new Upload(this);
  run = new RunView(this);
  questions = new Questions(this);
  question = new QuestionView(this);
  comparison = new Comparison(this);
  slices = new Slices(this);

  /** @param {Given} given */
  constructor(given) {
    const open = (/** @type {{id: string, run: string}} */ job) =>
      job.run && job.run !== this.open && button("Open it", () => this.#openEnded(job));
    super(given, { label: "Evaluation", more: open });
  }

  async start() {
    this.paint();
    this.#arrive(asked());
    returned((query) => this.#arrive(query));
    this.poller.start();
    await this.#datasets();
  }

  async #datasets() {
    const sets = await this.call("datasets");
    this.form.sets = sets.value ?? null;
    if (sets.error) this.form.form.fail(sets.error.message);
    this.paint();
    this.form.look();
  }

  /** A new dataset is there: it is what a run is proposed to ask. @param {string} dataset */
  async imported(dataset) {
    this.form.dataset = dataset;
    await this.#datasets();
    this.focus("select[name=dataset]");
  }

  /** Open what the address names. @param {URLSearchParams} query */
  async #arrive(query) {
    const run = query.get("run");
    if (!run) return this.open && this.back(settle);
    const [question, against] = [query.get("question"), query.get("against")];
    if (run !== this.open) await this.opened(run, settle, question, against);
    else if (against !== this.comparison.against) this.comparison.with(against);
    // Who has gone elsewhere since is left there.
    if (run !== this.open || asked().get("question") !== question) return;
    if (!question) this.unread(true, settle);
    else if (question !== this.questions.opened) this.read(question, true, settle);
  }

  get busy() {
    return this.running || Boolean(this.state?.scoring);
  }

  seen() {
    return { seen: this.runs && this.state?.version };
  }

  /** @param {State} state */
  show(state) {
    const ended = this.running && state.job?.state !== "running";
    this.state = state;
    if (!state.runs) return;
    this.runs = state.runs;
    this.form.look();
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

  /** A person has graded an answer: all that rests on grades is read again. @param {string} run @param {string} id */
  relabelled(run, id) {
    this.question.look(run, id);
    this.questions.look();
    this.comparison.look();
    this.run.poller.look();
    this.poller.look();
  }

  example = single(async (/** @type {Example} */ { dataset, limit }) =>
    this.form.form.fail(await this.begin("start", { ...this.config.defaults, dataset, limit, name: "" })),
  );

  /** Resume a run that was stopped. @param {Run} run */
  async resume(run) {
    this.set({ failed: await this.begin("resume", { run: run.id }) });
  }

  /** @param {Run} run */
  remove(run) {
    this.confirmation.open({
      question: html`Delete <strong>${run.name}</strong> and its ${count(run.done)} answers? Calibrators fitted on it stay. This cannot be undone.`,
      yes: "Delete",
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

  /** @param {Run} run */
  rename({ id, name }) {
    this.confirmation.rename({
      name,
      run: async (name) => {
        const { error } = await this.call("rename", { run: id, name });
        await this.poller.look();
        return error?.message ?? null;
      },
      back: () => this.focus(having("data-act", `rename ${id}`), ".cx-runs tbody a"),
    });
  }

  /** Ask a run more questions of its set. @param {Run} run */
  extend({ id, name }) {
    this.confirmation.type({
      label: `Extend ${name}`,
      input: { label: "More questions", value: "100", type: "number" },
      yes: "Extend",
      doing: "Starting …",
      run: (more) => this.begin("extend", { run: id, more: Number(more) }),
      back: () => this.focus(having("data-act", `extend ${id}`), ".cx-runs tbody a"),
    });
  }

  /** @param {{id: string, run: string}} job */
  #openEnded(job) {
    this.job.dismissed = job.id;
    this.opened(job.run);
  }

  /** Open a run. @param {string} id */
  async opened(
    id,
    put = keep,
    question = /** @type {string | null} */ (null),
    against = /** @type {string | null} */ (null),
  ) {
    this.#close();
    this.open = id;
    put({ run: id, question, against });
    this.slices.clear();
    this.comparison.open(id, against);
    const [run, questions] = [this.run.open(id), this.questions.show(id)];
    this.paint();
    this.focus(".cx-run-back");
    await Promise.all([run, questions]);
  }

  /** Compare the opened run with another one, or with none. @param {string | null} against */
  compare(against) {
    keep({ against });
    this.comparison.with(against);
    if (!against) this.focus(".cx-run-back");
  }

  back(put = keep) {
    const id = this.open;
    this.#close();
    this.run.close();
    this.comparison.with(null);
    put({ run: null, question: null, against: null });
    this.set({ open: null });
    this.focus(`${having("data-row", id ?? "")} a`);
  }

  /** Open a question; moved: the keyboard goes along. @param {string} id */
  async read(id, moved = !this.question.shown, put = keep) {
    const run = this.open;
    if (!run) return;
    const here = unmoved();
    put({ run, question: id });
    this.questions.opened = id;
    this.paint();
    if (!(await this.question.show(run, id))) return;
    if (moved && here()) this.focus(".cx-read-question");
    this.find(".cx-reading")?.scrollIntoView({ block: "nearest" });
  }

  /** Close the question that is open. */
  unread(focus = true, put = keep) {
    const id = this.questions.opened;
    if (!id) return;
    this.#close();
    put({ question: null });
    this.paint();
    if (focus) this.questions.focus(id);
  }

  #close() {
    this.question.close();
    this.questions.opened = null;
  }

  /** @param {number} by */
  async step(by) {
    const from = this.questions.opened;
    const next = from && (await this.questions.beside(from, by));
    // Another one in its place: Back leads to the list, not through all of them.
    if (next && this.questions.opened === from) this.read(next, undefined, settle);
  }

  view() {
    const { open, state, questions, question } = this;
    const known = this.run.shown || !this.run.failed;
    return html`<div class="cx-page evaluate ${open ? "opened" : ""}"><h1 class="cx-sr">Evaluate</h1>
      <aside class="cx-column loose" aria-label="New run" ?hidden=${open}>${this.form.view(state)}</aside>
      <section class="cx-column loose" aria-label="Runs">
        <div data-part="job">${this.job.view(state?.job ?? null)}</div>
        <div class="cx-column loose" ?hidden=${open}>${this.upload.view()}${this.runs && board(this, this.runs)}</div>
        <div class="cx-column loose" ?hidden=${!open}>${open && this.run.view()}${open && this.comparison.view()}${open && known ? this.slices.view() : null}
          <div class=${questions.opened ? "cx-halves" : ""} ?hidden=${!open || !known}>${questions.view()}
            <aside class="cx-column loose cx-reading" aria-label="Question" ?hidden=${!question.shown}>${question.view()}</aside></div></div>
      </section></div>`;
  }
}
