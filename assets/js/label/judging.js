// One answer after another: 1 to 4 choose, Enter keeps it and moves on.

import { link } from "../shared/address.js";
import { textOf } from "../shared/events.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, hint, metric, muted, range, segments, written } from "../shared/parts.js";
import { single } from "../shared/server.js";
import { column, table } from "../shared/table.js";
import { number } from "../shared/words.js";

import { draftOf, keepDraft } from "./drafts.js";
import { Keyboard } from "./keyboard.js";
import { actionOf, named } from "./keys.js";
import { Search } from "./search.js";
import { Spans } from "./spans.js";
import { StandingPart } from "./standing.js";

/** @import {Failure} from "../shared/types" */
/** @import {Agreement, Card, Key, Own, Queue} from "./types" */

/** @type {Own} */
const EMPTY = { verdict: "", correction: "", note: "", tags: [], spans: [] };

/** @extends {Part<import("./page.js").Labels>} */
export class Judging extends Part {
  /** @type {Queue | null} */
  queue = null;
  /** @type {Card | null} */
  card = null;
  standing = new StandingPart(this.page);
  keyboard = new Keyboard(this.page);
  search = new Search(this.page);
  spans = new Spans(this.page);
  /** @type {Agreement | null} */
  agreement = null;
  draft = EMPTY;
  /** What is typed of the tags. */
  tags = "";
  note = "";
  failed = "";
  /** What was hidden of the last answer until it was judged. */
  last = "";
  loaded = false;
  busy = false;
  /** @type {Card["key"][]} The answers that were judged here, the last one last. */
  past = [];
  /** How many of them lie behind the one that is shown. */
  at = 0;

  /** @param {Queue | null} queue @param {string} note */
  show(queue, note) {
    const change = { queue, note, card: null, agreement: null, loaded: false, busy: false };
    this.set({ ...change, last: "", failed: "", past: [], at: 0 });
    this.standing.show(queue);
    Object.assign(this.search, { open: false, text: "", found: null });
    Object.assign(this.keyboard, { open: false, waiting: null });
    if (queue) this.next();
  }

  get asked() {
    return { queue: this.queue?.id, labeller: this.page.labeller };
  }

  async next() {
    const { queue } = this;
    await this.#took(queue, await this.page.call("next", this.asked));
  }

  /** Show the next answer of a queue, or how far its labellers agree. */
  async #took(
    /** @type {Queue | null} */ queue,
    /** @type {{value?: any, error?: Failure}} */ { value, error },
  ) {
    if (queue !== this.queue) return;
    this.busy = false;
    this.#open(value?.card ?? null, { at: this.past.length });
    this.set({ failed: error?.message ?? "" });
    this.standing.look();
    if (queue && value && !value.card) {
      const { value: agreement } = await this.page.call("agreement", { queue: queue.id });
      if (queue === this.queue) this.set({ agreement: agreement ?? null });
    }
  }

  /** @param {Card | null} card @param {object} change */
  #open(card, change) {
    const draft = (card && draftOf(this.page.labeller, card.key)) ?? card?.own ?? EMPTY;
    Object.assign(this.spans, { stop: 0, from: null });
    this.set({ card, draft, tags: draft.tags.join(", "), loaded: true, failed: "", ...change });
    this.page.focus(".cx-judged h3");
  }

  /** @param {Partial<Own>} change */
  write(change) {
    this.set({ draft: { ...this.draft, ...change } });
    if (this.card) keepDraft(this.page.labeller, this.card.key, this.draft);
  }

  keep = single(async () => {
    const { card, draft } = this;
    if (!card) return;
    const { correct, incorrect, partly, unclear } = this.page.keys;
    const choices = [correct, incorrect, partly].map(named).join(", ");
    if (!draft.verdict)
      return this.set({ failed: `Choose a verdict first: press ${choices} or ${named(unclear)}.` });
    this.set({ busy: true });
    const { queue } = this;
    const told = { ...this.asked, ...draft, key: card.key, seen: card.seen };
    const { value, error } = await this.page.call("put", told);
    if (error) return this.set({ failed: error.message, busy: false });
    if (value.taken)
      return this.set({ failed: value.taken, busy: false, card: { ...card, seen: value.seen } });
    keepDraft(this.page.labeller, card.key, null);
    if (value.gone) {
      this.set({ last: value.gone });
      return this.next();
    }
    const past = this.at < this.past.length ? this.past : [...this.past, card.key];
    this.set({ past, last: value.said });
    await ("card" in value ? this.#took(queue, { value }) : this.next());
  });

  back = single(async () => {
    const at = this.at - 1;
    if (at < 0) return;
    const { value, error } = await this.page.call("card", { ...this.asked, key: this.past[at] });
    if (value) this.#open(value, { at });
    else this.set({ failed: error?.message ?? "" });
  });

  undo = single(async () => {
    const key = this.past.at(-1);
    if (!key) return;
    const { error } = await this.page.call("undo", { ...this.asked, key });
    if (error) return this.set({ failed: error.message });
    this.set({ past: this.past.slice(0, -1), last: "" });
    await this.next();
  });

  pick = single(async (/** @type {Key} */ key) => {
    const { value, error } = await this.page.call("card", { ...this.asked, key });
    if (value) {
      this.search.close();
      this.#open(value, { at: this.past.length });
    } else this.search.set({ failed: error?.message ?? "" });
  });

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (!this.queue || event.defaultPrevented || this.keyboard.took(event)) return;
    // What is typed before the next answer is there is no verdict on it.
    if (this.busy || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches("textarea, input:not([type=radio]), select");
    const action = actionOf(this.page.keys, event.key);
    if (event.key === "Escape") {
      if (typing) target.blur();
      else this.page.close();
      return;
    }
    if (!this.card && !["back", "undo", "search", "help"].includes(action ?? "")) return;
    // Letters are typed, and Enter and Space press what has the focus.
    if (!action || (typing && (action !== "keep" || event.key !== "Enter"))) return;
    if (event.key === "Enter" && (event.shiftKey || target.matches("a, button, summary"))) return;
    /** @type {Record<string, () => unknown>} */
    const acts = {
      keep: this.keep,
      back: this.back,
      undo: this.undo,
      search: () => this.search.show(),
      help: () => this.keyboard.toggle(),
      sentence: () => {},
    };
    event.preventDefault();
    if (acts[action]) acts[action]();
    else this.write({ verdict: action });
  }

  view() {
    const { queue, last, note } = this;
    const all = html`<button type="button" class="cx-link" @click=${() => this.page.close()}>All queues</button>`;
    return html`<section class="cx-column" aria-label="Labelling"><header class="cx-row wrap between">${all}<h2 class="cx-title">${written(queue?.name ?? "")}</h2>
      <span class="cx-row">${queue?.run ? html`<a class="cx-link" href=${link({ run: queue.run }, "calibrate")}>Calibrate with it</a> ` : nothing}${muted(this.page.labeller || "you")}</span></header>${this.standing.line()}${note ? hint(note) : nothing}
      ${this.search.view(this.asked, this.pick)}${this.keyboard.view()}${this.card ? this.#card(this.card) : this.loaded ? this.#done() : nothing}${last ? html`<p class="cx-hint" role="status">The last answer. ${last}.</p>` : nothing}${this.standing.view()}</section>`;
  }

  /** @param {Card} card */
  #card(card) {
    const { draft, page } = this;
    const { question, answer, accepted, passages } = card;
    const { keys } = page;
    const options = page.config.verdicts.map((/** @type {string[]} */ [word, said, counts]) => [
      word,
      html`${said} <kbd>${named(keys[word])}</kbd>`,
      counts || undefined,
    ]);
    const text = (/** @type {"correction" | "note"} */ name, /** @type {string} */ words) =>
      html`<label class="cx-field"><span>${words}</span><textarea class="cx-input" rows="1" maxlength="10000" .value=${live(draft[name])}
        @input=${(/** @type {Event} */ event) => this.write({ [name]: textOf(event) })}></textarea></label>`;
    const found = passages.map(([name, text]) => html`<p><b>${written(name)}</b><br>${written(text)}</p>`);
    const change = (/** @type {string} */ verdict) => this.write({ verdict });
    return html`<article class="cx-card cx-body cx-judged"><h3 class="cx-question" tabindex="-1">${written(question)}</h3>${answer ? this.spans.view(card, draft.spans, (spans) => this.write({ spans })) : muted("The answer is empty.")}
      ${accepted.length ? html`<p>${muted("accepted")} ${written(accepted.join(" · "))}</p>` : nothing}
      ${found.length ? html`<details><summary>Evidence: ${found.length} passages</summary>${found}</details>` : nothing}
      ${this.card?.key[0] ? nothing : html`<p><a class="cx-link" href=${link({ answer: this.card?.key[1] }, "label")}>Answer it yourself, for whoever asks again</a></p>`}
      ${segments({ name: "cx-verdict", legend: "Verdict", options, value: draft.verdict, change })}
      <div class="cx-pair">${text("correction", "Correct answer")}${text("note", "Note")}</div>${this.#tags()}${alarm(this.failed)}
      <footer class="cx-row wrap">${keyed(keys.keep, "Keep and continue", this.keep, { kind: "primary" })}${keyed(keys.back, "Back", this.back, { disabled: !this.at })}${keyed(keys.undo, "Undo", this.undo, { disabled: !this.past.length })}<span class="cx-grow"></span>${keyed(keys.search, "Search", () => this.search.show())}${keyed(keys.help, "Keys", () => this.keyboard.toggle())}</footer></article>`;
  }

  #tags() {
    const change = (/** @type {Event} */ event) => {
      this.tags = textOf(event);
      const tags = this.tags.split(",").map((tag) => tag.trim());
      this.write({ tags: tags.filter(Boolean) });
    };
    return html`<label class="cx-field"><span>Tags, with commas between them</span><input class="cx-input" type="text" maxlength="1000" autocomplete="off" .value=${live(this.tags)} @input=${change}></label>`;
  }

  #done() {
    const { agreement } = this;
    const value = (/** @type {Agreement["rows"][0]} */ { value, low, high }) =>
      html`${metric(value)}${low === null || high === null ? nothing : range([low, high], number)}`;
    const columns = [
      column("name", "Agreement", (/** @type {Agreement["rows"][0]} */ { name }) => name, { head: true }),
      column("value", "Value, 95% interval", value, { number: true }),
    ];
    const told = agreement?.answers
      ? html`${table({ kind: "cx-agreement", columns, rows: agreement.rows, key: ({ name }) => name })}${hint(`${agreement.answers} answers have several labels; labellers differ on ${agreement.differing} that nobody has decided yet.`)}`
      : nothing;
    return html`<article class="cx-card cx-body cx-judged">${alarm(this.failed)}<h3 tabindex="-1">Nothing waits for you here</h3><p>Everything in this queue is labelled, or others are at the last answers.</p>${told}
      ${keyed(this.page.keys.back, "Back", this.back, { disabled: !this.at })}</article>`;
  }
}

/** A button with its key. @param {string} key @param {string} words @param {() => unknown} press @param {object} options */
function keyed(key, words, press, options = {}) {
  return button(html`${words} <kbd>${named(key)}</kbd>`, press, options);
}
