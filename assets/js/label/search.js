// Answers of a queue by a text in them.

import { textOf } from "../shared/events.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, hint, written } from "../shared/parts.js";
import { newest } from "../shared/server.js";
import { counted } from "../shared/words.js";

/** @import {Found, Key} from "./types" */

/** @extends {Part<import("./page.js").Labels>} */
export class Search extends Part {
  open = false;
  text = "";
  failed = "";
  /** @type {Found[] | null} */
  found = null;
  #newest = newest();

  show() {
    this.set({ open: true });
    this.page.focus(".cx-search input");
  }

  close() {
    this.set({ open: false, text: "", found: null, failed: "" });
    this.page.focus(".cx-judged h3");
  }

  /** @param {string} text @param {object} asked */
  async #look(text, asked) {
    this.set({ text });
    if (!text.trim()) return this.set({ found: null });
    const came = await this.#newest(this.page.call("search", { ...asked, text }));
    if (came) this.set({ found: came.value ?? null, failed: came.error?.message ?? "" });
  }

  /** @param {object} asked the queue and who labels @param {(key: Key) => unknown} pick */
  view(asked, pick) {
    if (!this.open) return nothing;
    const { found } = this;
    const one = (/** @type {Found} */ { key, question, answer, said }) =>
      html`<li><button type="button" class="cx-item" @click=${() => pick(key)}><span>${written(question)}</span><span class="cx-sub">${written(answer)}${said ? ` · ${said}` : ""}</span></button></li>`;
    return html`<section class="cx-card cx-body cx-search" aria-label="Search the queue" @keydown=${this.#left}>
      <label class="cx-field"><span>Search questions and answers</span><input class="cx-input" type="search" maxlength="200" autocomplete="off" .value=${this.text}
        @input=${(/** @type {Event} */ event) => this.#look(textOf(event), asked)}></label>${alarm(this.failed)}
      <div role="status">${found ? hint(found.length ? `${counted(found.length, "answer")}${found.length >= this.page.config.found ? " and more" : ""}` : "Nothing in this queue holds that.") : nothing}</div>
      ${found?.length ? html`<ul class="cx-plain">${found.map(one)}</ul>` : nothing}</section>`;
  }

  #left = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Enter") event.stopPropagation();
  };
}
