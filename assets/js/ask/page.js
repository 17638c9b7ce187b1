// The Ask page: what is open, what runs, and which part shows it.

import { asked, keep, returned, settle } from "../shared/address.js";
import { legend } from "../shared/heatmap.js";
import { Inspector } from "../shared/inspector.js";
import { html, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { icon, written } from "../shared/parts.js";
import { freshId } from "../shared/server.js";
import { bytes } from "../shared/words.js";
import { Adding } from "./adding.js";
import { Among } from "./among.js";
import { Answers } from "./answers.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Sessions } from "./sessions.js";
import { Sharing } from "./sharing.js";
import { Verdict } from "./verdict.js";

/** @import {Failure, Given, Trace} from "../shared/types" */
/** @import {How} from "../shared/heatmap.js" */
/** @import {About, Card, Looked, Open, Run, Sidebar, Starter, Streamed, Wanted} from "./types" */

const WATCH = 2000; // milliseconds
const OWN = "codex.run"; // the newest run of this tab, also after a reload
const NO_ANSWER = "This answer does not exist or was deleted.";
const BROKEN = "Codex was restarted before the answer was complete. Ask again.";

/** `send` starts work that streams into props.value. @param {Given} given */
export function mount(given) {
  const page = new Ask(given);
  given.watch("value", () => page.receive(given.props.value));
  page.start();
}

export class Ask extends Page {
  /** @type {Run | null} The question under way. */
  run = null;
  /** @type {Open | null} */
  open = null;
  /** @type {Wanted | null} A session that is on its way. */
  opening = null;
  /** @type {Sidebar | null} */
  sidebar = null;
  /** @type {Starter[]} */
  starters = [];
  drawer = false;
  /** Whether anything was asked since the page was opened. */
  asked = false;
  turn = 0;
  listed = 0;
  sessions = new Sessions(this);
  composer = new Composer(this);
  conversation = new Conversation(this);
  among = new Among(this);
  answers = new Answers(this);
  adding = new Adding(this);
  sharing = new Sharing(this);
  verdict = new Verdict(this);
  inspector = new Inspector(this.paint, {
    onbranch: ({ trace, position }, id) => trace && this.branch(trace, position, id),
    onsentence: (index) => this.answers.active && this.sentence(this.answers.active, index, "pick"),
    onleave: (index) => this.answers.active?.heat.focusSentence(index),
    onlookup: () => this.lookUp(),
  });

  /** @param {Given} given */
  constructor(given) {
    super(given);
    this.send = given.send;
    this.inspector.rules = this.verdict.policy.rules;
  }

  start() {
    this.paint();
    this.composer.begin();
    this.#arrive(asked());
    returned((query) => this.#arrive(query));
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.drawer && this.#closeDrawer());
    // Documents are added on another page, perhaps in another tab.
    const again = () => this.run || this.look({});
    document.addEventListener("visibilitychange", () => document.hidden || again());
    addEventListener("codex-back", again);
    addEventListener("pagehide", () => this.run && navigator.sendBeacon(`codex-runs/${this.run.id}/left`));
  }

  /** Show what the address names, and the answer that a page left before its end. @param {URLSearchParams} query */
  async #arrive(query) {
    const [session, follow] = [query.get("session"), query.get("follow")];
    const trace = query.get("trace") ?? follow;
    if (!session && !trace && this.open) this.fresh(settle);
    const left = await this.look({ session, trace, follow, own: sessionStorage.getItem(OWN) }, settle);
    const here = left && (session ? session === left.session : !trace);
    if (here && !this.run) await this.follow(left, settle);
  }

  /** Show a session: its latest answer, or the one that is named; what was left before its end. @param {Wanted} wanted */
  async look(wanted, put = keep) {
    const { session, trace } = wanted;
    const named = session || trace;
    if (named) this.#leave(wanted);
    const turn = ++this.turn;
    const { value, error } = await this.call("look", wanted);
    // Who has gone elsewhere since is left there.
    if (named && this.opening !== wanted) {
      if (value) this.display({ ...value, open: null }, turn);
      return null;
    }
    if (named) this.opening = null;
    if (value) this.display(value, turn, put, wanted.follow);
    else if (named) this.fresh(settle);
    // A link that leads nowhere does not hide the sessions that there are.
    if (error && named && !this.sidebar) await this.look({});
    const missing = value?.open && trace && value.open.trace !== trace;
    this.sessions.failed = error?.message ?? (missing ? NO_ANSWER : null);
    this.paint();
    return value?.left ?? null;
  }

  /** Show an answer that is under way, beside what it belongs to. @param {About} about */
  async follow({ run, question, session, branch, follows }, put = keep) {
    this.run = null;
    if (session) await this.look({ session, trace: branch?.trace ?? follows, follow: follows }, put);
    else this.fresh(put);
    if (this.run) return;
    const from = branch && this.open?.traces.find(({ id }) => id === branch.trace);
    const prefix = from ? prefixOf(from, branch.position, branch.token) : [];
    const begun = {
      question: question ?? this.open?.question ?? null,
      aside: Boolean(from),
      prefix,
      follows,
    };
    this.#begin(begun, run).heard = 1;
    this.#live();
    this.send.follow({ run });
    this.paint();
  }

  #closeDrawer() {
    const inside = this.find("#cx-sessions")?.contains(document.activeElement);
    this.set({ drawer: false });
    if (inside) this.focus(".cx-drawer");
  }

  // The user turns to something else: a session that is on its way, or nothing.
  #leave(/** @type {Wanted | null} */ opening = null) {
    this.opening = opening;
    if (this.run) this.run.left = true;
  }

  /** @param {Looked} looked @param {number} turn */
  display(
    { sidebar, open, documents, evidence, active, starters },
    turn,
    put = keep,
    /** @type {string | null | undefined} */ follow = null,
  ) {
    if (active) this.verdict.activate(active);
    if (starters?.length) this.starters = starters;
    if (open) {
      this.open = open;
      this.conversation.show(open, follow);
      this.#place(put);
      this.answers.show(open.question, open.traces, open.trace);
    }
    if (documents !== undefined) {
      const whole = !this.open?.before || this.open.before.follows !== null;
      this.inspector.lookup = { documents, again: Boolean(this.open?.question) && !this.open?.cut && whole };
      this.composer.documents = documents;
      this.composer.chosen ??= evidence ?? "unsure";
    }
    // An older list never takes the place of a newer one.
    if (turn > this.listed) Object.assign(this, { sidebar, listed: turn });
    this.paint();
    this.composer.reach();
  }

  /** Start over: the next question opens a session. What is being answered is answered to its end. */
  fresh(put = keep) {
    this.#leave();
    this.run = null;
    this.composer.run(null);
    this.open = null;
    this.conversation.clear();
    put({ session: null, trace: null, follow: null });
    this.answers.show(null, [], null);
    this.paint();
    this.composer.focus();
  }

  /** Leave what is shown for a new question. */
  async renew() {
    // The question under way is no draft for the next one.
    if (this.run) this.composer.answered(this.run.question ?? "");
    this.fresh();
    await this.look({});
  }

  /** @param {string} name @param {{session?: string, level?: string, evidence?: string}} data */
  async change(name, data) {
    const turn = ++this.turn;
    const { value, error } = await this.call(name, data);
    this.sessions.failed = error?.message ?? null;
    const gone = name === "delete_session" && data.session === this.open?.session;
    if (value && gone) this.fresh(settle);
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

  /** Let the next question follow up an answer. @param {string} id */
  followUp(id) {
    const no = this.open?.follow[id]?.no;
    if (no) return this.composer.fail({ message: no, fields: [] });
    this.composer.fail(null);
    // Back leads to this answer, whatever is asked after it.
    settle({ session: this.open?.session, trace: this.open?.trace });
    this.conversation.following = id;
    this.#place(keep);
    this.paint();
    this.composer.box.focus();
  }

  // The last answer of a session needs no name, unless a question of another page may come after it.
  #place(/** @type {typeof keep} */ put) {
    const { open } = this;
    if (!open) return;
    const { following: follow } = this.conversation;
    const last = open.trace === open.roots.at(-1)?.id;
    put({ session: open.session, trace: last || follow === open.trace ? null : open.trace, follow });
  }

  /** Put the open question into the box, to be asked after the same turns. @param {string} question */
  edit(question) {
    this.conversation.following = this.conversation.again;
    this.#place(keep);
    this.composer.put(question);
    this.paint();
  }

  /** Ask the open question again, with passages first. */
  lookUp() {
    const follows = this.conversation.again;
    this.composer.submit(this.open?.question ?? "", { evidence: "first", follows });
  }

  /** @param {Record<string, unknown> & {question: string, follows?: string | null}} wanted */
  ask(wanted) {
    const most = this.config.question_bytes;
    if (new Blob([JSON.stringify(wanted.question)]).size > most) {
      const message = `The question is too long to be sent: shorten it to ${bytes(most)}.`;
      return this.composer.fail({ message, fields: ["query"] });
    }
    const follows = wanted.follows === undefined ? this.conversation.following : wanted.follows;
    const { id } = this.#begin({ question: wanted.question, aside: false, prefix: [], follows });
    const session = this.open?.session ?? null;
    this.send.ask({ run: id, session, policy: this.verdict.wanted, ...wanted, follows });
  }

  /** Continue from another token. @param {Trace} trace @param {number} position @param {number} id */
  branch(trace, position, id) {
    if (this.run) return;
    const prefix = prefixOf(trace, position, id);
    const run = this.#begin({ question: this.open?.question ?? null, aside: true, prefix, follows: null });
    this.#live();
    this.paint();
    const turn = { trace: trace.id, position, token: id };
    this.send.branch({ run: run.id, session: trace.session, ...turn, policy: this.verdict.wanted });
  }

  /** @param {Pick<Run, "question" | "aside" | "prefix" | "follows">} begun @param {string} [known] of one that is under way already */
  #begin(begun, known) {
    const id = known ?? freshId();
    const fresh = { read: 0, step: 0, tokens: [], card: null, passages: null, left: false, heard: 0 };
    const run = { id, ...fresh, ...begun };
    this.run = run;
    sessionStorage.setItem(OWN, id);
    Object.assign(this, { opening: null, asked: true });
    this.composer.run("waiting");
    this.#watch(run);
    return run;
  }

  // A stream that breaks off says nothing: ask now and then whether there is more than what has come.
  async #watch(/** @type {Run} */ run) {
    for (let before = 0, lost = false; this.run === run; ) {
      await new Promise((done) => setTimeout(done, WATCH));
      const heard = run.heard;
      const { value, error } = await this.call("version", { run: run.id });
      if (this.run !== run) return;
      if (error) this.composer.fail(error);
      else if (value === null && heard) return this.#end({ message: BROKEN, fields: [] });
      else if (lost) this.composer.fail(null);
      // Nothing has come since the last look, though there was more already.
      if (!error && heard && heard === run.heard && before > heard) this.send.follow({ run: run.id });
      lost = Boolean(error);
      before = value ?? before;
    }
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
    run.heard = state.version;
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
    if (!run.aside) this.conversation.begin(run.follows);
    if (!run.aside) this.explain(null);
    this.answers.grow(run.card, run.tokens);
  }

  /** @param {Run} run @param {Wanted} wanted */
  async #done({ question, aside, left, follows }, wanted) {
    this.run = null;
    dispatchEvent(new Event("codex-status"));
    const follow = aside ? this.conversation.following : follows && wanted.trace;
    // Who has opened something else in the meantime is left there.
    await this.look(left ? {} : { ...wanted, follow });
    if (!this.run) this.composer.run(null);
    if (!aside) this.composer.answered(question ?? "");
  }

  /** @param {Failure & {cancelled?: boolean}} error */
  #end(error) {
    const { run, sidebar } = this;
    const card = run?.left ? null : run?.card;
    if (sidebar) sidebar.under_way = sidebar.under_way.filter((about) => about.run !== run?.id);
    this.run = null;
    this.composer.run(null);
    const words = error.cancelled ? "Stopped; nothing was saved." : error.message;
    if (card) card.note = { words, kind: error.cancelled ? "muted" : "error" };
    else this.composer.fail(error.cancelled ? null : error);
    this.paint();
  }

  /** The right side follows this answer. @param {Card | null} card */
  explain(card) {
    this.verdict.show(card?.trace ?? null);
    this.inspector.show(card, card?.trace?.no_branch ?? null);
  }

  /** @param {Card} card @param {number} index @param {How} how */
  point(card, index, how) {
    if (how !== "hover") this.#activate(card);
    this.inspector.point(card, index, how);
  }

  /** Follow a sentence of an answer, by its index; null is none of them. @param {Card} card @param {number | null} index @param {How} how */
  sentence(card, index, how) {
    if (how !== "hover") this.#activate(card);
    if (this.answers.active === card) this.inspector.tell(card, index, how);
  }

  #activate(/** @type {Card} */ card) {
    if (card.trace && this.answers.active !== card) this.answers.activate(card.trace.id);
  }

  view() {
    // On the first visit there is nothing but the question, an explanation and examples.
    const empty = !this.open && !this.answers.cards.length;
    const sidebar = this.sidebar ?? { sessions: [], under_way: [], privacy: null };
    const { privacy } = sidebar;
    const first = this.asked && !empty && privacy && !privacy.chosen && !privacy.given;
    return html`<div class="cx-page ask ${empty ? "empty" : ""} ${this.drawer ? "drawer-open" : ""}"><h1 class="cx-sr">Ask Codex</h1>
      <aside class="cx-column cx-side" id="cx-sessions" aria-label="Sessions and privacy">${this.sessions.view(sidebar, this.open)}</aside>
      <section class="cx-column loose cx-main" aria-label="Question and answer">${this.composer.view()}${this.among.view()}
        <div class="cx-welcome" ?hidden=${!empty || this.run?.card}>${this.#welcome()}</div>${empty ? nothing : this.conversation.view()}${this.answers.view()}${first ? this.sessions.first(this.open?.session ?? "") : nothing}</section>
      <div class="cx-column loose cx-right"><section class="cx-card cx-body" aria-label="Decision">${this.verdict.view()}</section>
        <section class="cx-card" aria-label="Inspector">${this.inspector.view()}</section></div></div>`;
  }

  #welcome() {
    const { scales } = this.config;
    const ask = (/** @type {string} */ question) => {
      this.composer.put(question);
      this.composer.submit();
    };
    const starter = (/** @type {Starter} */ { question, about }) =>
      html`<li><button type="button" class="cx-card cx-row between cx-example" @click=${() => ask(question)}><span>${written(question)}${about ? html`<span class="cx-sub">${about}</span>` : nothing}</span>${icon("go")}</button></li>`;
    return html`<h2>Ask a model that tells you how confident it is</h2>
      <p>Each word of the answer is coloured by the probability the model gave it: plain where it was confident, deep orange where it could as well have said something else.</p>
      ${legend(scales.probability)}<ul class="cx-column">${this.starters.map(starter)}</ul>`;
  }
}

/** What is given of a branch: the tokens before its turn, and the other one. @param {Trace} trace @param {number} position @param {number} id */
function prefixOf({ last: { tokens } }, position, id) {
  const { alternatives } = tokens[position];
  const at = alternatives.findIndex((one) => one.id === id);
  const chosen = { ...tokens[position], ...alternatives[at], rank: at + 1 };
  return [...tokens.slice(0, position), chosen].map((one) => ({ ...one, given: true }));
}
