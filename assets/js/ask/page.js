// The Ask page: what is open, what runs, and which part shows it.

import { asked, keep } from "../shared/address.js";
import { legend } from "../shared/heatmap.js";
import { Inspector } from "../shared/inspector.js";
import { html } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { icon } from "../shared/parts.js";
import { single } from "../shared/server.js";
import { bytes } from "../shared/words.js";
import { Answers } from "./answers.js";
import { Composer } from "./composer.js";
import { Sessions } from "./sessions.js";
import { Verdict } from "./verdict.js";

/** @import {Trace} from "../shared/types" */
/** @import {How} from "../shared/heatmap.js" */
/** @import {Failure} from "../shared/server.js" */
/** @import {Card, Config, Looked, Open, Run, Sidebar, Streamed} from "./types" */
/** @typedef {{session?: string | null, trace?: string | null}} Wanted */

const WATCH = 2000; // milliseconds
const NO_SESSION = "This address names an answer but not its session, so it cannot be opened.";
const NO_ANSWER = "There is no such answer: it was deleted, or never there.";
const BROKEN = "The connection broke off before the answer was complete. Ask again.";

/** `send` starts work that streams into props.value. @param {import("../shared/page.js").Given} given */
export function mount(given) {
  const page = new Ask(given);
  given.watch("value", () => page.receive(given.props.value));
  page.start();
}

class Ask extends Page {
  /** @type {Run | null} The question under way. */
  run = null;
  /** @type {Open | null} */
  open = null;
  /** @type {Wanted | null} A session that is on its way. */
  opening = null;
  /** @type {Sidebar | null} */
  sidebar = null;
  documents = false;
  drawer = false;
  turn = 0;
  listed = 0;

  /** @param {import("../shared/page.js").Given} given */
  constructor(given) {
    super(given);
    this.send = given.send;
    const { paint } = this;
    /** @type {Config} */
    const config = this.config;
    this.sessions = new Sessions(paint, config.levels, {
      open: (session, trace) => this.look({ session, trace }),
      fresh: () => this.fresh(),
      remove: (session) => this.change("delete_session", { session }),
      privacy: (level) => this.change("set_privacy", { level }),
    });
    this.composer = new Composer(this, config, {
      ask: (wanted) => this.ask(wanted),
      cancel: () => this.cancel(),
      drawer: () => {
        this.drawer = !this.drawer;
        paint();
      },
    });
    this.answers = new Answers(paint, config.scales, {
      point: (card, index, how) => this.point(card, index, how),
      leave: () => this.leave(),
      sentence: (card, index, how) => this.sentence(card, index, how),
      active: (trace) => this.explain(trace),
      label: single((trace, correct) => this.label(trace, correct)),
      again: (question) => this.composer.put(question),
    });
    this.verdict = new Verdict(paint, config.active, {
      redecide: (trace, policy) => this.call("redecide", { trace, policy }),
      moved: (policy) => {
        this.inspector.rules = policy.rules;
      },
    });
    this.inspector = new Inspector(paint, {
      onbranch: ({ trace, position }, id) => this.branch(/** @type {Trace} */ (trace), position, id),
      onback: (pointed) => pointed.heat.focusToken(pointed.position),
      onsentence: (index) => this.answers.active && this.sentence(this.answers.active, index, "pick"),
      onleave: (index) => this.answers.active?.heat.focusSentence(index),
      onlookup: () => this.composer.submit(this.open?.question ?? "", { evidence: "first" }),
    });
    this.inspector.rules = this.verdict.policy.rules;
  }

  start() {
    const query = asked();
    this.paint();
    this.composer.begin();
    this.#first(query.get("session"), query.get("trace"));
    // Documents are added on another page, perhaps in another tab.
    const again = () => this.run || this.look({});
    document.addEventListener("visibilitychange", () => document.hidden || again());
    addEventListener("codex-back", again);
    addEventListener("pagehide", () => this.run && navigator.sendBeacon(`codex-runs/${this.run.id}/left`));
  }

  /** @param {string | null} session @param {string | null} trace */
  async #first(session, trace) {
    await this.look({ session, trace });
    if (!trace || session) return;
    this.sessions.failed = NO_SESSION;
    this.paint();
  }

  /** Show a session: its latest answer, or the one that is named. @param {Wanted} wanted */
  async look(wanted) {
    const { session, trace } = wanted;
    if (session) this.#leave(wanted);
    const turn = ++this.turn;
    const { value, error } = await this.call("look", wanted);
    // Who has gone elsewhere since is left there.
    if (session && this.opening !== wanted) return value && this.display({ ...value, open: null }, turn);
    if (session) this.opening = null;
    if (value) this.display(value, turn);
    else if (session) this.fresh();
    // A link that leads nowhere does not hide the sessions that there are.
    if (error && session && !this.sidebar) await this.look({});
    const missing = value?.open && trace && value.open.trace !== trace;
    this.sessions.failed = error?.message ?? (missing ? NO_ANSWER : null);
    this.paint();
  }

  // The user turns to something else: a session that is on its way, or nothing.
  #leave(/** @type {Wanted | null} */ opening = null) {
    this.opening = opening;
    if (this.run) this.run.left = true;
  }

  /** @param {Looked} looked @param {number} turn */
  display({ sidebar, open, documents, active }, turn) {
    if (active) this.verdict.activate(active);
    if (open) {
      this.open = open;
      keep({ session: open.session, trace: open.trace === open.roots.at(-1)?.id ? null : open.trace });
      this.answers.show(open.question, open.traces, open.trace);
    }
    if (documents !== undefined) {
      this.documents = documents;
      this.inspector.lookup = { documents, again: Boolean(this.open?.question) && !this.open?.cut };
      this.composer.documents = documents;
    }
    // An older list never takes the place of a newer one.
    if (turn > this.listed) Object.assign(this, { sidebar, listed: turn });
    this.paint();
  }

  /** Begin anew: the next question opens a session. */
  fresh() {
    if (this.run) this.cancel();
    this.#leave();
    this.open = null;
    keep({ session: null, trace: null });
    this.answers.show(null, [], null);
    this.paint();
    this.composer.focus();
  }

  /** @param {string} name @param {{session?: string, level?: string}} data */
  async change(name, data) {
    const turn = ++this.turn;
    const { value, error } = await this.call(name, data);
    this.sessions.failed = error?.message ?? null;
    if (value && data.session && data.session === this.open?.session) this.fresh();
    if (value) this.display({ sidebar: value, open: null }, turn);
    this.paint();
  }

  /** @param {Trace} trace @param {boolean} correct */
  async label(trace, correct) {
    const wanted = trace.correct === correct ? null : correct;
    const { error } = await this.call("label", { trace: trace.id, correct: wanted });
    const card = this.answers.cards.find((one) => one.trace === trace);
    if (!card) return;
    if (error) card.note = { words: error.message, kind: "error" };
    else trace.correct = wanted;
    this.paint();
  }

  /** @param {Record<string, unknown> & {question: string}} wanted */
  ask(wanted) {
    const most = this.config.question_bytes;
    if (new Blob([JSON.stringify(wanted.question)]).size > most) {
      const message = `The question is too long to be sent: shorten it to ${bytes(most)}.`;
      return this.composer.fail({ message, fields: ["query"] });
    }
    const run = this.#begin({ question: wanted.question, aside: false, prefix: [] });
    this.send.ask({ run, session: this.open?.session ?? null, policy: this.verdict.wanted, ...wanted });
  }

  /** Continue from another token. @param {Trace} trace @param {number} position @param {number} id */
  branch(trace, position, id) {
    if (this.run) return;
    const { tokens } = trace.last;
    const { alternatives } = tokens[position];
    const at = alternatives.findIndex((one) => one.id === id);
    const chosen = { ...tokens[position], ...alternatives[at], rank: at + 1 };
    const prefix = [...tokens.slice(0, position), chosen].map((one) => ({ ...one, given: true }));
    const run = this.#begin({ question: this.open?.question ?? null, aside: true, prefix });
    this.#live();
    this.paint();
    this.send.branch({ run, trace: trace.id, position, token: id, policy: this.verdict.wanted });
  }

  /** @param {Pick<Run, "question" | "aside" | "prefix">} begun */
  #begin(begun) {
    const id = crypto.randomUUID?.() ?? String(Math.random());
    this.run = {
      ...{ id, read: 0, step: 0, tokens: [], card: null, passages: null, left: false, heard: false },
      ...begun,
    };
    this.opening = null;
    this.composer.run("waiting");
    this.#watch(this.run);
    return id;
  }

  // A stream that breaks off says nothing: ask now and then whether the run is still there.
  async #watch(/** @type {Run} */ run) {
    for (let missing = 0; missing < 2; ) {
      await new Promise((done) => setTimeout(done, WATCH));
      if (this.run !== run) return;
      const { value, error } = await this.call("running", { run: run.id });
      if (error && this.run === run) return this.#end(error);
      missing = value || !run.heard ? 0 : missing + 1;
    }
    if (this.run === run) this.#end({ message: BROKEN, fields: [] });
  }

  async cancel() {
    const { run } = this;
    if (!run) return; // its answer is being opened
    this.composer.run("cancelling");
    const { error } = await this.call("cancel", { run: run.id });
    if (error && this.run === run) this.#end(error);
  }

  /** The state of the run, as it streams in; tokens come in chunks, of which only the new ones are read. @param {Streamed | null} state */
  receive(state) {
    const { run } = this;
    if (!run || state?.run !== run.id) return;
    run.heard = true;
    for (const chunk of state.chunks.slice(run.read)) this.#read(run, JSON.parse(chunk));
    run.read = state.chunks.length;
    if (run.card) this.answers.grow(run.card, run.tokens);
    if (state.passages !== run.passages) {
      run.passages = state.passages;
      this.#live();
      if (!run.left && state.passages) this.inspector.found(JSON.parse(state.passages));
    }
    if (state.error) this.#end(state.error);
    else if (state.trace) this.#done(run, { session: state.session, trace: state.trace });
    else if (this.composer.phase !== "cancelling") this.composer.run(state.phase);
    this.paint();
  }

  /** @param {Run} run @param {{step: number, kind: string, tokens: Run["tokens"]}} chunk */
  #read(run, { step, kind, tokens }) {
    if (step !== run.step) {
      Object.assign(run, { step, tokens: [] });
      if (run.card) this.answers.restart(run.card, kind);
    }
    run.tokens.push(...tokens);
    this.#live();
  }

  // Show the answer that is being written.
  #live() {
    const { run } = this;
    if (!run || run.card || run.left) return;
    run.card = this.answers.live(run.question, run.prefix, run.aside);
    if (!run.aside) this.explain(null);
    this.answers.grow(run.card, run.tokens);
  }

  /** @param {Run} run @param {Wanted} wanted */
  async #done({ question, aside, left }, wanted) {
    this.run = null;
    dispatchEvent(new Event("codex-status"));
    // Who has opened something else in the meantime is left there.
    await this.look(left ? {} : wanted);
    if (!this.run) this.composer.run(null);
    if (!aside) this.composer.answered(question ?? "");
  }

  /** @param {Failure & {cancelled?: boolean}} error */
  #end(error) {
    const card = this.run?.left ? null : this.run?.card;
    this.run = null;
    this.composer.run(null);
    const words = error.cancelled ? "Cancelled; nothing of it was stored." : error.message;
    if (card) card.note = { words, kind: error.cancelled ? "muted" : "error" };
    else this.composer.fail(error.cancelled ? null : error);
    this.paint();
  }

  /** The right side follows this trace. @param {Trace | null} trace */
  explain(trace) {
    this.picked = null;
    this.verdict.show(trace);
    this.inspector.show(trace, trace?.no_branch ?? null);
    const card = this.answers.active;
    const index = trace && weakest(trace);
    if (index === null || !card) return;
    this.picked = pointed(card, index);
    card.heat.select(index);
    this.inspector.point(this.picked);
  }

  /** @type {import("../shared/types").Pointed | null} */
  picked = null;

  leave() {
    const { active } = this.answers;
    if (active) active.heat.told = this.inspector.told;
    if (this.picked) this.inspector.point(this.picked);
    this.paint();
  }

  /** @param {Card} card @param {number} index @param {How} how */
  point(card, index, how) {
    const hover = how === "hover" || !card.trace;
    if (hover && card === this.answers.active) card.heat.told = this.inspector.told;
    if (!hover && card.trace && this.answers.active !== card) this.answers.activate(card.trace.id);
    const at = pointed(card, index);
    this.inspector.point(at, !hover);
    if (!hover) {
      this.picked = at;
      card.heat.select(index);
      card.heat.told = null;
    }
    this.paint();
    if (!hover && how === "open") this.inspector.focusAlternatives();
  }

  /** Follow a sentence of an answer, by its index; null is none of them. @param {Card} card @param {number | null} index @param {How} how */
  sentence(card, index, how) {
    if (this.answers.active !== card) {
      if (how === "hover" || !card.trace) return;
      this.answers.activate(card.trace.id);
    }
    card.heat.told = index;
    this.inspector.tell(index, how !== "hover");
    this.paint();
    if (how === "open") this.inspector.focusSentence(index);
  }

  view() {
    // On the first visit there is nothing but the question, an explanation and examples.
    const empty = !this.open && !this.answers.cards.length;
    const sidebar = this.sidebar ?? { sessions: [], privacy: null };
    return html`<div class="cx-page ${empty ? "empty" : ""} ${this.drawer ? "drawer-open" : ""}"><h1 class="cx-sr">Ask Codex</h1>
      <aside class="cx-side" id="cx-sessions" aria-label="Sessions and privacy">${this.sessions.view(sidebar, this.open)}</aside>
      <section class="cx-main" aria-label="Question and answer"><div>${this.composer.view()}</div>
        <div class="cx-welcome" ?hidden=${!empty || this.run?.card}>${this.#welcome()}</div>
        <div>${this.answers.view()}</div></section>
      <div class="cx-right"><section class="cx-verdict" aria-label="Decision">${this.verdict.view()}</section>
        <section class="cx-inspector" aria-label="Inspector">${this.inspector.view()}</section></div></div>`;
  }

  #welcome() {
    const { scales, examples } = this.config;
    const example = (/** @type {string} */ question) => {
      const press = () => {
        this.composer.put(question);
        this.composer.submit();
      };
      return html`<li><button type="button" class="cx-example" @click=${press}><span>${question}</span>${icon("go")}</button></li>`;
    };
    return html`<h2>Ask a model that says how sure it is</h2>
      <p>Each word of the answer is coloured by how likely the model found it: plain where it was sure, deep orange where it might as well have said something else.</p>
      ${legend(scales.probability)}<ul class="cx-examples">${examples.map(example)}</ul>`;
  }
}

/** @param {Card} card @param {number} position @returns {import("../shared/types").Pointed} */
function pointed(card, position) {
  return { ...card.heat.pointed(position), heat: card.heat, trace: card.trace };
}

/** The answer's most doubtful token, among those that carry it. @param {Trace} trace */
function weakest({ last: { tokens, focus }, branched }) {
  /** @type {number | null} */
  let least = null;
  tokens.forEach((token, i) => {
    if (token.given || token.p === null || !focus[i]) return;
    if (least === null || token.p < (tokens[least].p ?? 2)) least = i;
  });
  return least ?? branched?.position ?? (tokens.length ? 0 : null);
}
