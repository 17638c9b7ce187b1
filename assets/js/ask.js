// The Ask page: what is open, what runs, and which part shows it.

import { Answers } from "./answers.js";
import { Composer } from "./composer.js";
import { bytes } from "./documents_upload.js";
import { fill, h, icon } from "./dom.js";
import { legend } from "./heatmap.js";
import { Inspector } from "./inspector.js";
import { Sessions } from "./sessions.js";
import { Verdict } from "./verdict.js";
import { again, single } from "./waits.js";

const WATCH = 2000; // milliseconds

/** Build the page in `element`; `send` starts work that streams into props.value, `server` answers at once. */
export function mount({ element, props, server, watch, send }) {
  const page = new Ask(element, JSON.parse(props.config), server, send);
  watch("value", () => page.receive(props.value));
  page.start();
}

class Ask {
  constructor(element, config, server, send) {
    Object.assign(this, { config, server, send, run: null, open: null, picked: null });
    Object.assign(this, { opening: null, asked: 0, listed: 0 });
    const part = (name) => element.querySelector(`[data-part="${name}"]`);
    this.page = part("page");
    this.welcome = part("welcome");
    this.sessions = new Sessions(part("sessions"), {
      levels: config.levels,
      onopen: (session, trace) => this.look({ session, trace }),
      onnew: () => this.fresh(),
      ondelete: (session) => this.change("delete_session", { session }),
      onprivacy: (level) => this.change("set_privacy", { level }),
    });
    this.composer = new Composer(part("composer"), {
      ...config,
      onask: (asked) => this.ask(asked),
      oncancel: () => this.cancel(),
      ondrawer: () => this.page.classList.toggle("drawer-open"),
    });
    this.answers = new Answers(part("answers"), {
      scales: config.scales,
      onpoint: (card, index, how) => this.point(card, index, how),
      onsentence: (card, index, how) => this.pointSentence(card, index, how),
      onevidence: (card) => this.pointSentence(card, null, "open"),
      onactive: (trace) => this.explain(trace),
      onlabel: single((trace, correct) => this.label(trace, correct)),
      onagain: (question) => this.composer.put(question),
    });
    this.verdict = new Verdict(part("verdict"), {
      ...config.active,
      redecide: (trace, policy) => this.call("redecide", { trace, policy }),
      onpolicy: () => this.inspector.policy(this.verdict.policy),
    });
    this.inspector = new Inspector(part("inspector"), {
      onbranch: (pointed, token) => this.branch(pointed, token),
      onback: (pointed) => pointed.card.heat.focusToken(pointed.position),
      onsentence: (index) => this.pointSentence(this.answers.active, index, "pick"),
      onleave: (index) => this.answers.active.heat.focusSentence(index),
      onlookup: () => this.composer.submit(this.open.question, { evidence: "first" }),
    });
    this.inspector.policy(this.verdict.policy);
    this.#examples();
  }

  start() {
    this.#first(new URLSearchParams(location.search));
    // Documents are added on another page, perhaps in another tab.
    again(() => this.run || this.look({}));
    window.addEventListener("pagehide", () => this.run && navigator.sendBeacon(`codex-runs/${this.run.id}/left`));
    this.composer.question.focus();
  }

  async #first(query) {
    const [session, trace] = [query.get("session"), query.get("trace")];
    await this.look({ session, trace });
    if (trace && !session) this.sessions.fail("This address names an answer but not its session, so it cannot be opened.");
  }

  /** Call the server; always {value} or {error: {message, fields}}. */
  async call(name, data) {
    // Gradio answers nothing when the server is gone, and throws when it fails.
    const answer = await this.server[name](data).catch(() => null);
    return (
      answer ?? {
        error: {
          message: "Codex cannot be reached. Is it still running? Nothing you typed is lost.",
          fields: [],
        },
      }
    );
  }

  /** Show a session: its latest answer, or the one that is named. */
  async look(wanted) {
    if (wanted.session) this.#leave(wanted);
    const turn = ++this.asked;
    const { value, error } = await this.call("look", wanted);
    // Who has gone elsewhere since is left there.
    if (wanted.session && this.opening !== wanted) return value && this.display({ ...value, open: null }, turn);
    if (wanted.session) this.opening = null;
    if (value) this.display(value, turn);
    else if (wanted.session) this.fresh();
    // A link that leads nowhere does not hide the sessions that there are.
    if (error && wanted.session && !this.sidebar) await this.look({});
    const missing = value?.open && wanted.trace && value.open.trace !== wanted.trace;
    this.sessions.fail(error?.message ?? (missing ? "There is no such answer: it was deleted, or never there." : null));
  }

  // The user turns to something else: a session that is on its way, or nothing.
  #leave(opening = null) {
    this.opening = opening;
    if (this.run) this.run.left = true;
  }

  display({ sidebar, open, documents, active }, turn) {
    if (active) this.verdict.activate(active);
    if (open) {
      this.open = open;
      this.address(open.session, open.trace === open.roots.at(-1)?.id ? null : open.trace);
      this.answers.show(open.question, open.traces, open.trace);
    }
    if (documents !== undefined) {
      this.composer.documents(documents);
      this.inspector.may({ documents, again: Boolean(this.open?.question) && !this.open.cut });
    }
    // An older list never takes the place of a newer one.
    if (turn > this.listed) Object.assign(this, { sidebar, listed: turn });
    this.sessions.show(this.sidebar, this.open ?? { session: null, roots: [] });
    this.#empty(!this.open && !this.run);
  }

  /** Begin anew: the next question opens a session. */
  fresh() {
    if (this.run) this.cancel();
    this.#leave();
    this.open = null;
    this.address(null);
    this.answers.show(null, [], null);
    this.sessions.show(this.sidebar ?? { sessions: [], privacy: null }, { session: null, roots: [] });
    this.#empty(true);
    this.composer.focus();
  }

  address(session, trace = null) {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries({ session, trace }))
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    history.replaceState(null, "", url);
  }

  async change(name, data) {
    const turn = ++this.asked;
    const { value, error } = await this.call(name, data);
    this.sessions.fail(error?.message);
    if (value && data.session && data.session === this.open?.session) this.fresh();
    if (value) this.display({ sidebar: value, open: null }, turn);
  }

  async label(trace, correct) {
    const wanted = trace.correct === correct ? null : correct;
    const { error } = await this.call("label", { trace: trace.id, correct: wanted });
    const card = this.answers.cards.find((one) => one.trace === trace);
    if (!card) return;
    if (error) return this.answers.note(card, error.message, "error");
    trace.correct = wanted;
    card.node
      .querySelectorAll("[aria-pressed]")
      .forEach((button, i) => button.setAttribute("aria-pressed", String(wanted === (i === 0))));
  }

  ask(asked) {
    if (new Blob([JSON.stringify(asked.question)]).size > this.config.question_bytes)
      return this.composer.fail({
        message: `The question is too long to be sent: shorten it to ${bytes(this.config.question_bytes)}.`,
        fields: ["query"],
      });
    const policy = this.verdict.changed ? this.verdict.policy : null;
    this.#begin({ question: asked.question, aside: false, prefix: [] });
    this.send.ask({ run: this.run.id, session: this.open?.session ?? null, policy, ...asked });
  }

  branch({ card, position }, token) {
    if (this.run) return;
    const tokens = card.trace.last.tokens;
    const other = tokens[position].alternatives.find(({ id }) => id === token);
    const chosen = { ...tokens[position], ...other, rank: tokens[position].alternatives.indexOf(other) + 1 };
    const prefix = [...tokens.slice(0, position), chosen].map((one) => ({ ...one, given: true }));
    const policy = this.verdict.changed ? this.verdict.policy : null;
    this.#begin({ question: this.open.question, aside: true, prefix });
    this.#show();
    this.send.branch({ run: this.run.id, trace: card.trace.id, position, token, policy });
  }

  #begin(run) {
    this.run = {
      id: crypto.randomUUID?.() ?? String(Math.random()),
      read: 0,
      step: 0,
      tokens: [],
      card: null,
      passages: null,
      left: false,
      ...run,
    };
    this.opening = null;
    this.composer.run("waiting");
    this.#watch(this.run);
  }

  // A stream that breaks off says nothing: ask now and then whether the run is still there.
  async #watch(run) {
    for (let missing = 0; missing < 2;) {
      await new Promise((done) => setTimeout(done, WATCH));
      if (this.run !== run) return;
      const { value, error } = await this.call("running", { run: run.id });
      if (error && this.run === run) return this.#end(error);
      missing = value || !run.heard ? 0 : missing + 1;
    }
    if (this.run === run)
      this.#end({ message: "The connection broke off before the answer was complete. Ask again." });
  }

  async cancel() {
    const { run } = this;
    if (!run) return; // its answer is being opened
    this.composer.run("cancelling");
    const { error } = await this.call("cancel", { run: run.id });
    if (error && this.run === run) this.#end(error);
  }

  /** The state of the run, as it streams in; tokens come in chunks, of which only the new ones are read. */
  receive(state) {
    const { run } = this;
    if (!run || state?.run !== run.id) return;
    run.heard = true;
    for (const chunk of state.chunks.slice(run.read)) this.#read(JSON.parse(chunk));
    run.read = state.chunks.length;
    if (run.card) this.answers.grow(run.card, run.tokens);
    if (state.passages !== run.passages) {
      run.passages = state.passages;
      this.#show();
      if (!run.left) this.inspector.found(JSON.parse(state.passages));
    }
    if (state.error) this.#end(state.error);
    else if (state.trace) this.#done(state);
    else if (this.composer.phase !== "cancelling") this.composer.run(state.phase);
  }

  #read({ step, kind, tokens }) {
    if (step !== this.run.step) {
      Object.assign(this.run, { step, tokens: [] });
      if (this.run.card) this.answers.restart(this.run.card, kind);
    }
    this.run.tokens.push(...tokens);
    this.#show();
  }

  #show() {
    const { run } = this;
    if (run.card || run.left) return;
    this.#empty(false);
    run.card = this.answers.live(run.question, run.prefix, run.aside);
    if (!run.aside) this.explain(null);
    this.answers.grow(run.card, run.tokens);
  }

  async #done({ session, trace }) {
    const { question, aside, left } = this.run;
    this.run = null;
    dispatchEvent(new Event("codex-status"));
    // Who has opened something else in the meantime is left there.
    await this.look(left ? {} : { session, trace });
    if (!this.run) this.composer.run(null);
    if (!aside) this.composer.answered(question);
  }

  #end(error) {
    const { run } = this;
    const card = run.left ? null : run.card;
    this.run = null;
    this.composer.run(null);
    const message = error.cancelled ? "Cancelled; nothing of it was stored." : error.message;
    if (card) this.answers.note(card, message, error.cancelled ? "muted" : "error");
    else this.composer.fail(error.cancelled ? null : error);
    this.#empty(!this.open && !card);
  }

  /** The right side follows this trace. */
  explain(trace) {
    this.picked = null;
    this.verdict.show(trace);
    this.inspector.show(trace, { noBranch: trace?.no_branch ?? null });
    if (!trace) return;
    const card = this.answers.active;
    const index = weakest(trace);
    if (index !== null) {
      this.picked = this.#pointed(card, index);
      card.heat.select(index);
      this.inspector.showToken(this.picked, { open: false });
    }
  }

  point(card, index, how) {
    if (how !== "pick" && how !== "open" && card === this.answers.active) card.heat.tell(this.inspector.told);
    if (how === "leave") return this.picked && this.inspector.showToken(this.picked, { open: false });
    if (how === "hover" || !card.trace.id)
      return this.inspector.showToken(this.#pointed(card, index), { open: false });
    if (this.answers.active !== card) this.answers.activate(card.trace.id);
    this.picked = this.#pointed(card, index);
    card.heat.select(index);
    this.inspector.showToken(this.picked, { open: true });
    card.heat.tell(null);
    if (how === "open") this.inspector.focusAlternatives();
  }

  /** Follow a sentence of an answer, by its index; null is none of them. */
  pointSentence(card, index, how) {
    if (how === "hover" && this.answers.active !== card) return;
    if (this.answers.active !== card) this.answers.activate(card.trace.id);
    card.heat.tell(index);
    this.inspector.showSentence(index, { open: how !== "hover" });
    if (how === "open") this.inspector.focusSentence(index);
  }

  #pointed(card, position) {
    const unit = card.heat.units.find(({ from, end }) => position >= from && position < end);
    return {
      card,
      position,
      token: card.tokens[position],
      total: card.tokens.length,
      parts: card.tokens.slice(unit.from, unit.end).map(({ text }) => text),
    };
  }

  // On the first visit there is nothing but the question, an explanation and examples.
  #empty(empty) {
    this.welcome.hidden = !empty;
    this.page.classList.toggle("empty", empty);
  }

  #examples() {
    fill(
      this.welcome,
      h("h2", "Ask a model that says how sure it is"),
      h(
        "p",
        "Each word of the answer is coloured by how likely the model found it: plain where it was sure, deep orange where it might as well have said something else.",
      ),
      legend(this.config.scales.probability),
      h(
        "ul.cx-examples",
        this.config.examples.map((question) =>
          h(
            "li",
            h(
              "button.cx-example",
              {
                onclick: () => {
                  this.composer.put(question);
                  this.composer.submit();
                },
              },
              h("span", question),
              icon("go"),
            ),
          ),
        ),
      ),
    );
  }
}

/** The answer's most doubtful token, among those that carry it. */
function weakest(trace) {
  let least = null;
  trace.last.tokens.forEach((token, i) => {
    if (token.given || token.p === null || !trace.last.focus[i]) return;
    if (least === null || token.p < trace.last.tokens[least].p) least = i;
  });
  return least ?? trace.branched?.position ?? (trace.last.tokens.length ? 0 : null);
}
