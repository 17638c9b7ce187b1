// The documents and folders to which a question's search is limited: none chosen is all.

import { fieldOf, textOf } from "../shared/events.js";
import { html, live, nothing, repeat } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, hint, written } from "../shared/parts.js";
import { counted } from "../shared/words.js";

const CHOSEN = "codex.documents";
const MOST = 100; // that are listed at once

/** @extends {Part<import("./page.js").Ask>} */
export class Among extends Part {
  /** @type {Set<string>} */
  chosen = new Set(JSON.parse(sessionStorage.getItem(CHOSEN) ?? "[]"));
  /** @type {string[]} What there is to choose. */
  names = [];
  /** @type {string | null} */
  failed = null;
  words = "";

  /** What a question is sent with; null: all documents. */
  get wanted() {
    return this.chosen.size ? [...this.chosen] : null;
  }

  async #look() {
    const { value, error } = await this.page.call("documents");
    this.set({ names: value ?? [], failed: error?.message ?? null });
  }

  /** @param {string} name @param {boolean} on */
  #choose(name, on) {
    if (on) this.chosen.add(name);
    else this.chosen.delete(name);
    this.#changed();
  }

  #changed() {
    sessionStorage.setItem(CHOSEN, JSON.stringify([...this.chosen]));
    this.page.paint();
  }

  /** The button that opens the list. @param {unknown} wrong */
  opener(wrong) {
    const [first] = this.chosen;
    const more = this.chosen.size > 1 ? ` and ${this.chosen.size - 1} more` : "";
    return html`<button type="button" class="cx-button small cx-clip cx-search-in" id="cx-documents" popovertarget="cx-among" aria-invalid=${wrong}
      title="Limit the search to documents or folders">In ${first ? [written(first), more] : "all documents"}</button>`;
  }

  view() {
    const { chosen, words } = this;
    const all = [...new Set([...chosen, ...this.names])];
    const found = all.filter((name) => name.toLowerCase().includes(words.toLowerCase()));
    const one = (/** @type {string} */ name) =>
      html`<li><label class="cx-check"><input type="checkbox" .checked=${live(chosen.has(name))}
        @change=${(/** @type {Event} */ event) => this.#choose(name, fieldOf(event).checked)}>${written(name)}</label></li>`;
    const clear = () => {
      chosen.clear();
      this.#changed();
    };
    const rest = found.length - MOST;
    return html`<div popover id="cx-among" class="cx-card cx-body cx-among" role="dialog" aria-label="Documents to search"
      @toggle=${(/** @type {ToggleEvent} */ event) => event.newState === "open" && this.#look()}>
      <div class="cx-row"><input class="cx-input cx-grow" type="search" aria-label="Filter documents and folders" placeholder="Filter" spellcheck="false"
        @input=${(/** @type {Event} */ event) => this.set({ words: textOf(event) })}>${button("All documents", clear, { disabled: !chosen.size })}</div>
      ${alarm(this.failed)}<ul class="cx-list">${repeat(found.slice(0, MOST), (name) => name, one)}</ul>
      ${rest > 0 ? hint(`${counted(rest, "more name")}: filter to see them.`) : nothing}</div>`;
  }
}
