// One answer after another: 1 to 4 choose, Enter keeps it and moves on.

import { link } from "../shared/address.js";
import { textOf } from "../shared/events.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, bar, button, hint, metric, muted, range, segments, written } from "../shared/parts.js";
import { single } from "../shared/server.js";
import { column, table } from "../shared/table.js";
import { number } from "../shared/words.js";

/** @import {Agreement, Card, Own, Progress, Queue} from "./types" */

const DRAFT = "codex.label.draft";
/** @type {Own} */
const EMPTY = { verdict: "", correction: "", note: "" };

/** @extends {Part<import("./page.js").Labels>} */
export class Judging extends Part {
  /** @type {Queue | null} */
  queue = null;
  /** @type {Card | null} */
  card = null;
  /** @type {Progress | null} */
  progress = null;
  /** @type {Agreement | null} */
  agreement = null;
  draft = EMPTY;
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
    const change = { queue, note, card: null, progress: null, agreement: null, loaded: false, busy: false };
    this.set({ ...change, last: "", failed: "", past: [], at: 0 });
    if (queue) this.next();
  }

  get asked() {
    return { queue: this.queue?.id, labeller: this.page.labeller };
  }

  async next() {
    const { queue } = this;
    const { value, error } = await this.page.call("next", this.asked);
    if (queue !== this.queue) return;
    this.busy = false;
    this.#open(value?.card ?? null, { progress: value?.progress ?? this.progress, at: this.past.length });
    this.set({ failed: error?.message ?? "" });
    if (queue && value && !value.card) {
      const { value: agreement } = await this.page.call("agreement", { queue: queue.id });
      if (queue === this.queue) this.set({ agreement: agreement ?? null });
    }
  }

  /** @param {Card | null} card @param {object} change */
  #open(card, change) {
    const kept = card && JSON.parse(localStorage.getItem(DRAFT) ?? "{}");
    const draft = kept?.key === String(card?.key) ? kept.draft : (card?.own ?? EMPTY);
    this.set({ card, draft, loaded: true, failed: "", ...change });
    this.page.focus(".cx-judged h3");
  }

  /** @param {Partial<Own>} change */
  write(change) {
    this.set({ draft: { ...this.draft, ...change } });
    const { card, draft } = this;
    localStorage.setItem(DRAFT, JSON.stringify({ key: String(card?.key), draft }));
  }

  keep = single(async () => {
    const { card, draft } = this;
    if (!card) return;
    if (!draft.verdict) return this.set({ failed: "Choose a verdict first: press 1, 2, 3 or 4." });
    this.set({ busy: true });
    const { value, error } = await this.page.call("put", { ...this.asked, ...draft, key: card.key });
    if (error) return this.set({ failed: error.message, busy: false });
    localStorage.removeItem(DRAFT);
    const past = this.at < this.past.length ? this.past : [...this.past, card.key];
    this.set({ past, last: value.said });
    await this.next();
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

  /** @param {KeyboardEvent} event */
  pressed(event) {
    // What is typed before the next answer is there is no verdict on it.
    if (!this.card || this.busy || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches("textarea, input:not([type=radio]), select");
    const verdict = this.page.config.verdicts[Number(event.key) - 1];
    /** @type {Record<string, () => unknown>} */
    const keys = { Backspace: this.back, u: this.undo, Escape: () => this.page.close() };
    if (event.key === "Enter" && !event.shiftKey && !target.matches("a, button, summary")) {
      event.preventDefault();
      this.keep();
    } else if (event.key === "Escape" && typing) target.blur();
    else if (!typing && verdict) this.write({ verdict: verdict[0] });
    else if (!typing && keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  }

  view() {
    const { queue, progress, last, note } = this;
    const share = progress?.answers ? progress.labelled / progress.answers : 0;
    const all = html`<button type="button" class="cx-link" @click=${() => this.page.close()}>All queues</button>`;
    return html`<section class="cx-column" aria-label="Labelling"><header class="cx-row wrap between">${all}<h2 class="cx-title">${written(queue?.name ?? "")}</h2>
      <span class="cx-row">${queue?.run ? html`<a class="cx-link" href=${link({ run: queue.run }, "calibrate")}>Calibrate with it</a> ` : nothing}${muted(this.page.labeller || "you")}</span></header>${bar(share)}<p class="cx-hint" role="status">${progress?.note ?? ""}</p>${note ? hint(note) : nothing}
      ${this.card ? this.#card(this.card) : this.loaded ? this.#done() : nothing}${last ? html`<p class="cx-hint" role="status">The last answer. ${last}.</p>` : nothing}</section>`;
  }

  /** @param {Card} card */
  #card({ question, answer, accepted, passages }) {
    const { draft, page } = this;
    const options = page.config.verdicts.map(
      (/** @type {string[]} */ [word, said, counts], /** @type {number} */ at) => [
        word,
        html`${said} <kbd>${at + 1}</kbd>`,
        counts || undefined,
      ],
    );
    const text = (/** @type {"correction" | "note"} */ name, /** @type {string} */ words) =>
      html`<label class="cx-field"><span>${words}</span><textarea class="cx-input" rows="1" maxlength="10000" .value=${live(draft[name])}
        @input=${(/** @type {Event} */ event) => this.write({ [name]: textOf(event) })}></textarea></label>`;
    const found = passages.map(([name, text]) => html`<p><b>${written(name)}</b><br>${written(text)}</p>`);
    const change = (/** @type {string} */ verdict) => this.write({ verdict });
    return html`<article class="cx-card cx-body cx-judged"><h3 class="cx-question" tabindex="-1">${written(question)}</h3><p class="cx-answer">${answer ? written(answer) : muted("The answer is empty.")}</p>
      ${accepted.length ? html`<p>${muted("accepted")} ${written(accepted.join(" · "))}</p>` : nothing}
      ${found.length ? html`<details><summary>Evidence: ${found.length} passages</summary>${found}</details>` : nothing}
      ${this.card?.key[0] ? nothing : html`<p><a class="cx-link" href=${link({ answer: this.card?.key[1] }, "label")}>Answer it yourself, for whoever asks again</a></p>`}
      ${segments({ name: "cx-verdict", legend: "Verdict", options, value: draft.verdict, change })}
      <div class="cx-pair">${text("correction", "Correct answer")}${text("note", "Note")}</div>${alarm(this.failed)}
      <footer class="cx-row wrap">${keyed("Enter", "Keep and continue", this.keep, { kind: "primary" })}${keyed("⌫", "Back", this.back, { disabled: !this.at })}${keyed("U", "Undo", this.undo, { disabled: !this.past.length })}</footer></article>`;
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
      ${keyed("⌫", "Back", this.back, { disabled: !this.at })}</article>`;
  }
}

/** A button with its key. @param {string} key @param {string} words @param {() => unknown} press @param {object} options */
function keyed(key, words, press, options = {}) {
  return button(html`${words} <kbd>${key}</kbd>`, press, options);
}
