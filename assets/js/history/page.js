// The Sessions page: the list of all traces, the one that is open, two compared.

import { asked, followed, keep, link, returned, settle } from "../shared/address.js";
import { Confirmation } from "../shared/confirmation.js";
import { all } from "../shared/events.js";
import { html, nothing } from "../shared/lit.js";
import { having, Page } from "../shared/page.js";
import {
  alarm,
  alarmWith,
  bar,
  button,
  decision,
  iconButton,
  muted,
  percent,
  when,
  written,
} from "../shared/parts.js";
import { newest, Poller } from "../shared/server.js";
import { column, Picks, table } from "../shared/table.js";
import { count, counted, number } from "../shared/words.js";
import { Comparing } from "./comparing.js";
import { Filters } from "./filters.js";
import { OpenedView } from "./opened.js";

/** @import {Given} from "../shared/types" */
/** @import {Erasure, Facets, Line, Seen} from "./types" */

const WATCH = 500; // milliseconds between two looks at an erasure
const COST = "Tokens of the prompts and tokens that the model wrote, of all steps with their samples";

/** @param {Given} given */
export function mount(given) {
  const page = new Sessions(given);
  given.watch("value", () => page.opened.receive(given.props.value));
  page.start();
}

export class Sessions extends Page {
  /** @type {Seen | null} */
  seen = null;
  /** @type {Facets} */
  facets = { models: [], policies: [], deciding: [] };
  sort = { key: "time", down: true };
  /** @type {(string | null)[]} What leads to each page up to the one that is shown. */
  trail = [null];
  busy = false;
  /** @type {string | null} */
  failed = null;
  /** Whether something was deleted here. */
  deleted = false;
  filters = new Filters(this);
  opened = new OpenedView(this);
  comparing = new Comparing(this);
  picks = new Picks(this.paint);
  confirmation = new Confirmation("Deletion", this.paint);
  newest = newest();
  erasing = new Poller({
    ask: () => this.call("erasure"),
    show: ({ value }) => value && this.#erased(value),
    wait: () => (this.seen?.erasure.state === "running" ? WATCH : null),
  });

  /** @param {Given} given */
  constructor(given) {
    super(given);
    this.send = given.send;
  }

  async start() {
    this.filters.read(asked());
    this.paint();
    returned((query) => this.#arrive(query));
    const [, facets] = await Promise.all([this.look(), this.call("facets")]);
    this.set({ facets: facets.value ?? this.facets });
    this.erasing.start();
    await this.#arrive(asked());
  }

  /** Show what the address names. @param {URLSearchParams} query */
  async #arrive(query) {
    const [trace, other] = [query.get("trace"), query.get("with")];
    if (trace && other) return this.comparing.show(trace, other);
    this.comparing.close();
    return trace ? this.opened.show(trace) : this.opened.close();
  }

  /** Read the page that is wanted, after a change; whether it came and is still wanted. @param {object} change */
  async look(change = {}) {
    this.set({ ...change, busy: true });
    const wanted = {
      filter: this.filters.values,
      sort: this.sort.key,
      down: this.sort.down,
      after: this.trail.at(-1) ?? null,
    };
    const answer = await this.newest(this.call("look", wanted));
    if (!answer) return false; // asked for another page since
    const { value, error } = answer;
    this.set({ busy: false, failed: error?.message ?? null, seen: value ?? this.seen });
    this.picks.among([...this.picks.chosen], this.seen?.rows.map(({ id }) => id) ?? []);
    return Boolean(value);
  }

  /** Begin again at the first page. @param {object} change */
  first(change = {}) {
    return this.look({ trail: [null], ...change });
  }

  async turn(/** @type {number} */ step) {
    const { seen, trail, busy } = this;
    if (busy || (step > 0 ? !seen?.next : trail.length < 2)) return;
    const next = step > 0 ? [...trail, seen?.next ?? null] : trail.slice(0, -1);
    if (await this.look({ trail: next })) this.focus(".cx-traces tbody a");
  }

  /** @param {string} trace */
  async open(trace) {
    keep({ trace, with: null });
    this.comparing.close();
    if (await this.opened.show(trace)) this.focus(".cx-read-question");
  }

  close() {
    const id = this.opened.trace?.id;
    settle({ trace: null, with: null });
    this.comparing.close();
    this.opened.close();
    this.focus(id ? `.cx-traces ${having("data-row", id)} a` : ".cx-traces tbody a", ".cx-traces tbody a");
  }

  /** @param {string} first @param {string} second */
  async compare(first, second) {
    keep({ trace: first, with: second });
    if (await this.comparing.show(first, second)) this.focus(".cx-compared h2");
  }

  /** Delete a session for good. @param {Line} line @param {number} questions */
  remove({ session_id: session }, questions) {
    this.confirmation.open({
      question: html`Delete the session with its ${counted(questions, "answer")} for good? Nothing can bring it back.`,
      yes: "Delete for good",
      doing: "Deleting …",
      run: async () => {
        const { value, error } = await this.call("delete_session", { session });
        if (error) return error.message;
        settle({ trace: null, with: null });
        this.opened.close();
        this.deleted = true;
        this.#erased(value);
        await this.look();
        await this.erasing.look();
        return null;
      },
      back: () => this.focus("[data-act=delete]", ".cx-traces tbody a", "[type=search]"),
    });
  }

  /** @param {Erasure} erasure */
  #erased(erasure) {
    if (this.seen) this.set({ seen: { ...this.seen, erasure } });
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const links = all(this.root, ".cx-traces tbody a");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const page = { PageDown: 1, PageUp: -1 }[event.key];
    const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (page) {
      event.preventDefault();
      this.turn(page);
    } else if (step && at >= 0 && links[at + step]) {
      event.preventDefault();
      links[at + step].focus();
    }
  }

  view() {
    const { comparing, opened } = this;
    const aside = comparing.shown || opened.shown;
    const right = comparing.shown
      ? nothing
      : html`<aside class="cx-column cx-reading" aria-label="Answer" ?hidden=${!opened.shown}>${opened.view()}</aside>`;
    return html`<div class="cx-page cx-history ${aside ? "opened" : ""} ${comparing.shown ? "comparing" : ""}"><h1 class="cx-sr">Sessions</h1>
      ${comparing.shown ? comparing.view() : html`<div class="cx-column">${this.#erasure()}${this.confirmation.view()}${this.#list()}</div>`}${right}</div>`;
  }

  #erasure() {
    const { seen, deleted } = this;
    const { state, share, error } = seen?.erasure ?? { state: "none", share: 0, error: "" };
    if (state === "running")
      return html`<div class="cx-card cx-body" role="status">Erasing what was deleted from the database file …${bar(share, "accent")}</div>`;
    if (state === "failed" || state === "due") {
      const again = async () => {
        await this.call("erase");
        await this.erasing.look();
      };
      const words = `Deleted, but not erased from the database file yet. ${error}`;
      return alarmWith(words, button("Erase now", again));
    }
    return deleted
      ? html`<p class="cx-hint" role="status">Deleted for good: the database file was rewritten without it.</p>`
      : nothing;
  }

  #list() {
    const { seen, failed, filters } = this;
    if (seen && !seen.total && !filters.active)
      return html`<section class="cx-empty"><h2>Nothing was asked yet</h2><p>Every question that is asked on the Ask page, over HTTP or from the command line is listed here, as far as you let Codex save it.</p>
        <p><a class="cx-button primary" href="./">Ask a question</a></p></section>`;
    const chosen = [...this.picks.chosen];
    const off = chosen.length !== 2;
    const title = off ? "Select two answers to compare them" : "Compare the two that are selected";
    const compare = button("Compare", () => this.compare(chosen[0], chosen[1]), { disabled: off, title });
    const rows = seen?.rows ?? [];
    const lines = table({
      kind: "cx-traces",
      caption: "Answers, with the keys Page Down and Page Up for other pages",
      columns: this.#columns(),
      rows,
      key: ({ id }) => id,
      busy: this.busy,
      sort: this.sort,
      onsort: (sort) => this.first({ sort }),
      marks: ({ id }) => ({ here: id === this.opened.trace?.id }),
      picks: this.picks,
      name: (line) => named(line),
    });
    const none = seen && !seen.total;
    const clear = () => this.filters.clear();
    return html`<section class="cx-card" aria-label="Answers" @keydown=${(/** @type {KeyboardEvent} */ event) => this.#pressed(event)}>${filters.view(compare)}${alarm(failed)}
      <div class="cx-scroll" ?hidden=${none}>${lines}</div>
      <div class="cx-hint cx-none cx-row wrap" ?hidden=${!none}><span>No answer matches.</span>${button("Clear the filters", clear)}</div>${this.#pager(rows.length)}</section>`;
  }

  /** @param {number} shown */
  #pager(shown) {
    const { seen, trail } = this;
    if (!seen?.total) return nothing;
    const first = (trail.length - 1) * this.config.size;
    const words = `${count(first + 1)}–${count(first + shown)} of ${count(seen.total)}`;
    return html`<nav class="cx-pager cx-row" aria-label="Pages of the answers">${iconButton("back", "Previous page", () => this.turn(-1), { disabled: trail.length < 2 })}<span
        class="cx-num" role="status">${shown ? words : `0 of ${count(seen.total)}`}</span>${iconButton("next", "Next page", () => this.turn(1), { disabled: !seen.next })}</nav>`;
  }

  /** @returns {import("../shared/types").Column<Line>[]} */
  #columns() {
    const fixed = true;
    const question = (/** @type {Line} */ line) =>
      html`<a class="cx-clamp cx-link" href=${link({ trace: line.id })} @click=${followed(() => this.open(line.id))}>${
        line.question === null
          ? muted(`SHA-256 ${line.question_sha256.slice(0, 12)}…`, "cx-mono")
          : written(line.question)
      }</a>`;
    const confidence = (/** @type {Line} */ { confidence, calibrated }) =>
      html`${percent(confidence)}${calibrated ? nothing : muted(" est.")}`;
    const cost = (/** @type {Line} */ { prompt_tokens: prompt, generated_tokens: wrote }) =>
      html`${count(prompt)} + ${count(wrote)}`;
    return [
      column("time", "Time", (line) => when(line.created_at), { number: true, kind: "cx-time" }),
      column("question", "Question", question, { head: true, fixed }),
      column("model", "Model", ({ model }) => html`<span class="cx-clamp">${written(model)}</span>`, {
        fixed,
        kind: "cx-wide",
      }),
      column("steps", "Steps", ({ steps }) => count(steps), { number: true, fixed, kind: "cx-wide" }),
      column("action", "Decision", ({ action }) => decision(action), { fixed }),
      column("confidence", "Confidence", confidence, {
        number: true,
        title: "How likely the answer is correct; est.: not calibrated",
      }),
      column("tokens", "Cost, tokens", cost, { number: true, title: COST, kind: "cx-wide" }),
      column("seconds", "Cost, s", ({ seconds }) => number(seconds), {
        number: true,
        kind: "cx-wide",
        exact: ({ seconds }) => `${seconds} s`,
      }),
    ];
  }
}

/** @param {Line} line */
function named({ question, question_sha256 }) {
  return question ?? `SHA-256 ${question_sha256.slice(0, 12)}`;
}
