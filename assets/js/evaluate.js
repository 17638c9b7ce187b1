// The Evaluate page: runs are started, watched, compared and opened down to the single token.

import { h } from "./dom.js";
import { NewRun } from "./evaluate_new.js";
import { Question } from "./evaluate_question.js";
import { Questions } from "./evaluate_questions.js";
import { RunView } from "./evaluate_run.js";
import { Runs } from "./evaluate_runs.js";
import { WorkBar } from "./job.js";
import { address, BUSY, caller, IDLE } from "./lab.js";
import { again, newest, single, unmoved } from "./waits.js";

export function mount({ element, props, server }) {
  new Evaluate(element, JSON.parse(props.config), caller(server)).start();
}

class Evaluate {
  constructor(element, config, call) {
    Object.assign(this, { config, call, state: null, version: null, open: null, timer: null, newest: newest() });
    const part = (name) => element.querySelector(`[data-part="${name}"]`);
    this.page = part("page");
    this.parts = { runs: part("runs"), run: part("run") };
    this.form = new NewRun(part("new"), { ...config, onstart: (wanted) => this.begin("start", wanted) });
    this.job = new WorkBar(part("job"), {
      label: "Evaluation",
      oncancel: ({ id }) => this.call("cancel", { job: id }).then(() => this.look()),
      ended: ({ run }) =>
        run && run !== this.open
          ? h("button.cx-button.small", { onclick: () => this.job.dismiss() ?? this.show(run) }, "Open it")
          : null,
    });
    this.runs = new Runs(part("runs"), {
      onopen: (id) => this.show(id),
      onresume: (run) => this.begin("resume", { run }),
      ondelete: (run) => this.remove(run),
      onexample: single((wanted) => this.example(wanted)),
    });
    this.run = new RunView(part("run"), {
      call,
      downloads: config.downloads,
      onback: () => this.back(),
      onmeasured: () => this.measured(),
      onquestion: (id) => this.read(id),
    });
    this.reader = h("aside.cx-eval-reader", { "aria-label": "Question", hidden: true });
    const list = h("div.cx-eval-list");
    this.run.questions.classList.add("cx-eval-split");
    this.run.questions.append(list, this.reader);
    this.questions = new Questions(list, { call, onopen: (id, opener) => this.read(id, opener) });
    this.question = new Question(this.reader, {
      call,
      scales: config.scales,
      onclose: () => this.unread(),
      onstep: (step) => this.step(step),
    });
  }

  async start() {
    const query = new URLSearchParams(location.search);
    const [run, question] = [query.get("run"), query.get("question")];
    again(() => this.look());
    if (run) this.#reopen(run, question);
    const sets = await this.call("datasets");
    if (sets.value) this.form.datasets(sets.value);
    else this.form.fail(sets.error.message);
    await this.look();
  }

  async #reopen(run, question) {
    await this.show(run);
    if (question && this.open === run && !this.questions.opened) this.read(question);
  }

  async look() {
    clearTimeout(this.timer);
    const answer = await this.newest(this.call("look", { seen: this.version }));
    if (!answer) return;
    const { value, error } = answer;
    if (value) this.display(value);
    this.job.unreachable(error?.message);
    const busy = this.state?.job?.state === "running" || this.state?.scoring;
    if (!document.hidden) this.timer = setTimeout(() => this.look(), busy ? BUSY : IDLE);
  }

  display(state) {
    const ended = this.state?.job?.state === "running" && state.job?.state !== "running";
    this.state = state;
    this.job.show(state.job);
    this.form.state(state);
    this.runs.measuring(state.scoring);
    if (state.runs) {
      this.version = state.version;
      this.runs.show(state.runs, state.example);
      const known = !this.open || state.runs.some(({ id }) => id === this.open);
      if (!known) this.run.lost("This run was deleted. What is shown is what it was; nothing new can be read of it.");
      else if (this.open && (ended || this.running(state))) this.refresh();
    }
  }

  // A run that is asked at the moment grows under the eyes of its reader.
  running({ runs }) {
    return runs.some(({ id, state }) => id === this.open && state === "running");
  }

  refresh() {
    this.run.look();
    this.questions.look();
  }

  // The confidences of the questions are others now.
  measured() {
    this.questions.look();
    if (this.questions.opened) this.question.look(this.open, this.questions.opened);
  }

  async begin(name, wanted) {
    const { value, error } = await this.call(name, wanted);
    if (value) this.job.show(value);
    this.look();
    return error?.message ?? null;
  }

  async example({ dataset, limit }) {
    const message = await this.begin("start", { ...this.config.defaults, dataset, limit, name: "" });
    this.form.fail(message);
  }

  async remove(run) {
    const { error } = await this.call("delete", { run });
    this.version = null;
    await this.look();
    return error?.message ?? null;
  }

  async show(id) {
    this.unread(false);
    this.open = id;
    this.page.classList.add("opened");
    this.parts.runs.hidden = true;
    this.parts.run.hidden = false;
    address({ run: id, question: null });
    this.run.back.focus();
    await Promise.all([this.run.open(id), this.questions.show(id)]);
  }

  back() {
    const id = this.open;
    this.unread(false);
    this.run.close();
    this.open = null;
    this.page.classList.remove("opened");
    this.parts.runs.hidden = false;
    this.parts.run.hidden = true;
    address({ run: null, question: null });
    this.runs.focus(id);
  }

  async read(id, opener = null) {
    const moved = opener || this.reader.hidden;
    const here = unmoved();
    address({ run: this.open, question: id });
    this.questions.mark(id);
    this.run.questions.classList.add("reading");
    if (!(await this.question.show(this.open, id))) return;
    if (moved && here()) this.question.focus();
    this.reader.scrollIntoView({ block: "nearest" });
  }

  unread(focus = true) {
    const id = this.questions.opened;
    if (!id) return;
    this.question.close();
    this.run.questions.classList.remove("reading");
    this.questions.mark(null);
    address({ question: null });
    if (focus) this.questions.focus(id);
  }

  async step(by) {
    const from = this.questions.opened;
    const next = await this.questions.beside(from, by);
    if (next && this.questions.opened === from) this.read(next);
  }
}
