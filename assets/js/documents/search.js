// Searching the documents: the box and what was found.

import { followed, keep, link } from "../shared/address.js";
import { ownerOf, submitted } from "../shared/events.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarmWith, button, icon, marked, muted, written } from "../shared/parts.js";
import { newest } from "../shared/server.js";
import { counted, number } from "../shared/words.js";

/** @import {Answer} from "../shared/types" */
/** @import {Found, Passage} from "./types" */

/** @extends {Part<import("./page.js").DocumentsPage>} */
export class Search extends Part {
  newest = newest();
  active = false;
  query = "";
  /** @type {Answer<Found> | null} null while it is searched */
  answer = null;
  /** @type {Passage | null} */
  opened = null;

  /** @param {string} query */
  async run(query, put = keep) {
    if (!query.trim()) return this.close(put);
    this.set({ active: true, query, answer: null, opened: null });
    if (this.box) this.box.value = query;
    put({ q: query });
    const answer = await this.newest(this.page.call("search", { query }));
    if (answer) this.set({ answer });
  }

  close(put = keep) {
    this.newest(null);
    if (!this.active) return;
    put({ q: null });
    if (this.box) this.box.value = "";
    this.set({ active: false, query: "" });
    this.box?.focus();
  }

  get box() {
    return /** @type {HTMLInputElement | null} */ (this.page.find(".cx-search input"));
  }

  view() {
    const submit = submitted(() => this.run(this.box?.value ?? ""));
    return html`<form class="cx-search cx-row" role="search" @submit=${submit}>${icon("search")}
      <input class="cx-input cx-grow" type="search" aria-label="Search the documents" spellcheck="false"
        placeholder="Search the documents by meaning and by words" @input=${() => this.box?.value || this.close()}>
      <button type="submit" class="cx-button">Search</button></form>`;
  }

  results() {
    return html`<section class="cx-card" aria-label="Passages found" ?hidden=${!this.active}>${this.active ? this.#found() : nothing}</section>`;
  }

  #found() {
    const { value, error } = this.answer ?? {};
    if (!this.answer) return this.#head("Searching …", "Cancel");
    const failed = error?.message ?? value?.error;
    const rebuild = () => {
      this.close();
      this.page.rebuild();
    };
    const action = value?.rebuild ? button("Rebuild the index", rebuild) : nothing;
    if (failed) return [this.#head("Search failed"), alarmWith(failed, action)];
    const passages = value?.passages ?? [];
    const none = "Nothing found. Try other words, or add documents on this topic.";
    const words = passages.length ? `${counted(passages.length, "passage")}, best match first` : none;
    return html`${this.#head(words)}<ol>${passages.map((passage) => this.#passage(passage))}</ol>`;
  }

  #head(/** @type {string} */ words, back = "Back to the documents") {
    return html`<header class="cx-head"><span class="cx-grow" role="status">${words}</span>${button(back, () => this.close())}</header>`;
  }

  /** @param {Passage} passage */
  #passage(passage) {
    const { document, document_id: id, start, end, page, heading } = passage;
    const place = [page ? `page ${page}` : "", heading].filter(Boolean).join(" · ");
    const open = (/** @type {HTMLElement} */ opener) => {
      this.opened = passage;
      this.page.reader.open({ id, start, end }, opener, document);
    };
    const anywhere = (/** @type {MouseEvent} */ event) =>
      getSelection()?.isCollapsed && open(/** @type {HTMLElement} */ (ownerOf(event).querySelector("a")));
    const scores = passage.scores.map(
      ({ label, meaning, value }) =>
        html`<span title="${label}: ${meaning}; ${value}">${label} <b class="cx-num">${number(value)}</b></span>`,
    );
    return html`<li class="cx-result" aria-current=${this.opened === passage ? "true" : nothing} @click=${anywhere}>
      <div class="cx-row wrap"><a class="cx-link cx-strong" href=${link({ open: id, start, end })} @click=${followed(open)}>${written(document)}</a>${
        place && muted(written(place), "cx-small")
      }<span class="cx-scores cx-row cx-hint">${scores}</span></div>
      <p class="cx-clamp">${marked(passage.parts)}</p></li>`;
  }
}
