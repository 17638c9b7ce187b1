// Searching the documents: the box and what was found.

import { followed, keep, link } from "../shared/address.js";
import { html, nothing } from "../shared/lit.js";
import { button, icon, marked, written } from "../shared/parts.js";
import { newest } from "../shared/server.js";
import { counted, number } from "../shared/words.js";

/** @import {Found, Passage} from "./types" */
/** @import {Answer} from "../shared/server.js" */

export class Search {
  /**
   * @param {import("../shared/page.js").Page} page
   * @param {{search: (query: string) => Promise<Answer<Found>>, open: (passage: Passage, opener: HTMLElement) => unknown,
   *   rebuild: () => unknown}} options
   */
  constructor(page, options) {
    this.page = page;
    this.options = options;
    this.newest = newest();
    this.active = false;
    /** @type {Answer<Found> | null} null while it is searched */
    this.answer = null;
    /** @type {Passage | null} */
    this.opened = null;
  }

  /** @param {string} query */
  async run(query) {
    if (!query.trim()) return this.close();
    Object.assign(this, { active: true, answer: null, opened: null });
    this.page.paint();
    if (this.box) this.box.value = query;
    keep({ q: query });
    const answer = await this.newest(this.options.search(query));
    if (!answer) return;
    this.answer = answer;
    this.page.paint();
  }

  close() {
    this.newest(null);
    if (!this.active) return;
    this.active = false;
    keep({ q: null });
    if (this.box) this.box.value = "";
    this.page.paint();
    this.box?.focus();
  }

  get box() {
    return /** @type {HTMLInputElement | null} */ (this.page.find(".cx-docs-search input"));
  }

  view() {
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.run(this.box?.value ?? "");
    };
    return html`<div><form class="cx-docs-search" role="search" @submit=${submit}>${icon("search")}
      <input class="cx-field" type="search" aria-label="Search the documents" spellcheck="false"
        placeholder="Search the documents by meaning and by words" @input=${() => this.box?.value || this.close()}>
      <button type="submit" class="cx-button">Search</button></form></div>`;
  }

  results() {
    return html`<section class="cx-results" aria-label="Passages found" ?hidden=${!this.active}>${this.active ? this.#found() : nothing}</section>`;
  }

  #found() {
    const { value, error } = this.answer ?? {};
    if (!this.answer) return this.#head("Searching …", "Cancel");
    const failed = error?.message ?? value?.error;
    const rebuild = () => {
      this.close();
      this.options.rebuild();
    };
    if (failed)
      return html`${this.#head("Not searched")}<div class="cx-error cx-job-line" role="alert"><span class="cx-grow">${failed}</span>
        ${value?.rebuild ? button("Index everything again", rebuild) : nothing}</div>`;
    const passages = value?.passages ?? [];
    const words = passages.length
      ? `${counted(passages.length, "passage")}, best first`
      : "Nothing was found. Try other words, or add documents that speak of it.";
    return html`${this.#head(words)}<ol>${passages.map((passage) => this.#passage(passage))}</ol>`;
  }

  #head(/** @type {string} */ words, back = "Back to the documents") {
    return html`<header class="cx-job-line"><span class="cx-grow" role="status">${words}</span>${button(back, () => this.close())}</header>`;
  }

  /** @param {Passage} passage */
  #passage(passage) {
    const { document_id: id, start, end, page, heading } = passage;
    const place = [page ? `page ${page}` : "", heading].filter(Boolean).join(" · ");
    const open = (/** @type {HTMLElement} */ opener) => {
      this.opened = passage;
      this.options.open(passage, opener);
    };
    const anywhere = (/** @type {MouseEvent} */ event) => {
      const row = /** @type {HTMLElement} */ (event.currentTarget);
      if (getSelection()?.isCollapsed) open(/** @type {HTMLElement} */ (row.querySelector("a")));
    };
    return html`<li class="cx-result" aria-current=${this.opened === passage ? "true" : nothing} @click=${anywhere}>
      <div class="cx-result-head"><a href=${link({ open: id, start, end })} @click=${followed(open)}>${written(passage.document)}</a>${
        place && html`<span class="cx-muted cx-place">${written(place)}</span>`
      }<span class="cx-scores">${passage.scores.map(
        ({ label, meaning, value }) =>
          html`<span title="${label}: ${meaning}; ${value}">${label} <b class="cx-num">${number(value)}</b></span>`,
      )}</span></div>
      <p class="cx-result-text">${marked(passage.parts)}</p></li>`;
  }
}
