// The table of documents: filtered as you type, in pages, with what can be done to them.

import { followed, link } from "../shared/address.js";
import { Confirmation } from "../shared/confirmation.js";
import { html, nothing } from "../shared/lit.js";
import { having } from "../shared/page.js";
import { badge, button, icon, iconButton, written } from "../shared/parts.js";
import { filtered, paged, sorted } from "../shared/rows.js";
import { Picks, pager, table } from "../shared/table.js";
import { bytes, count, counted, moment } from "../shared/words.js";

/** @import {Document} from "./types" */
/** @import {Icon} from "../shared/parts.js" */

const ROWS = 50; // of one page
/** @type {Record<Document["state"], [kind: string, shape: Icon]>} */
const STATES = { indexed: ["answer", "answer"], waiting: ["defer", "clock"], skipped: ["abstain", "skip"] };

export class Documents {
  /**
   * @param {import("../shared/page.js").Page} page
   * @param {{open: (document: Document, opener: HTMLElement) => unknown, remove: (ids: string[]) => Promise<string | null>,
   *   check: () => unknown}} options
   */
  constructor(page, options) {
    this.page = page;
    this.options = options;
    this.picks = new Picks(page.paint);
    this.confirmation = new Confirmation("Remove documents", page.paint);
    this.sort = { key: "name", down: false };
    this.at = 0;
    this.words = "";
    /** @type {Document[]} */
    this.documents = [];
  }

  /** @param {Document[]} documents */
  view(documents) {
    this.documents = documents;
    const found = filtered(documents, this.words, ({ folder, name }) => `${folder}/${name}`);
    const listed = sorted(found, this.sort, ["name", "path"]);
    this.picks.among(
      documents.map(({ id }) => id),
      listed.map(({ id }) => id),
    );
    const { rows, page, pages, first } = paged(listed, this.at, ROWS);
    this.at = page;
    const chosen = [...this.picks.chosen];
    return html`<section class="cx-docs-table" aria-label="Documents">
      <header class="cx-docs-bar"><h2 class="cx-docs-count">${summary(documents)}</h2>
        <input class="cx-field" type="search" aria-label="Filter by name" placeholder="Filter by name" spellcheck="false" @input=${this.#filter}>
        ${chosen.length ? button(`Remove ${chosen.length} selected`, () => this.#ask(chosen), { act: "remove" }) : nothing}
        ${button([icon("refresh"), "Check for changes"], this.options.check, { title: "Look at every file again and index what has changed" })}</header>
      ${this.confirmation.view()}
      ${table({
        kind: "",
        columns: this.#columns(),
        rows,
        key: ({ id }) => id,
        name: ({ name }) => name,
        picks: this.picks,
        sort: this.sort,
        onsort: (sort) => this.#set({ sort }),
        marks: ({ state }) => ({ state }),
      })}
      <p class="cx-hint cx-docs-none" ?hidden=${listed.length > 0}>No document has a name like that.</p>
      ${pager({ label: "Pages of the table", first, shown: rows.length, total: listed.length, page, pages, turn: (at) => this.#turn(at) })}
    </section>`;
  }

  /** @returns {import("../shared/table.js").Column<Document>[]} */
  #columns() {
    return [
      { key: "name", label: "Name", head: true, kind: "cx-docname", cell: (one) => this.#name(one) },
      { key: "state", label: "State", cell: ({ state }) => badge(STATES[state][0], STATES[state][1], state) },
      {
        key: "pages",
        label: "Pages",
        number: true,
        cell: ({ pages }) => whole(pages),
        exact: ({ pages }) => exact(pages),
      },
      {
        ...{ key: "chunks", label: "Passages", number: true },
        cell: ({ state, chunks }) => whole(state === "indexed" ? chunks : null),
        exact: ({ state, chunks }) => exact(state === "indexed" ? chunks : null),
      },
      {
        key: "size",
        label: "Size",
        number: true,
        cell: ({ size }) => bytes(size),
        exact: ({ size }) => `${count(size)} bytes`,
      },
      {
        key: "added",
        label: "Added",
        number: true,
        cell: ({ added }) => moment(new Date(added)),
        exact: dates,
      },
      {
        ...{ key: "remove", label: "Remove", fixed: true, hidden: true, kind: "cx-act" },
        cell: ({ id, name }) =>
          iconButton("close", `Remove ${name}`, () => this.#ask([id]), {
            title: "Remove",
            act: `remove ${id}`,
          }),
      },
    ];
  }

  /** @param {Document} document */
  #name(document) {
    const { id, name, path, folder, reason, state } = document;
    const open = followed((opener) => this.options.open(document, opener));
    return html`${
      state === "indexed"
        ? html`<a href=${link({ open: id })} title=${path} @click=${open}>${written(name)}</a>`
        : html`<span title=${path}>${written(name)}</span>`
    }${folder && html`<span class="cx-folder">${written(folder)}</span>`}${reason && html`<p class="cx-reason">${written(reason)}</p>`}`;
  }

  #filter = (/** @type {Event} */ event) => {
    this.#set({ words: /** @type {HTMLInputElement} */ (event.target).value, at: 0 });
  };

  #set(/** @type {object} */ change) {
    Object.assign(this, change);
    this.page.paint();
  }

  #turn(/** @type {number} */ at) {
    this.#set({ at });
  }

  // What is lost is said before it is.
  #ask(/** @type {string[]} */ ids) {
    const chosen = this.documents.filter(({ id }) => ids.includes(id));
    const uploaded = chosen.filter((one) => one.uploaded).length;
    const one = ids.length === 1;
    const files = [
      uploaded
        ? uploaded === 1
          ? "The uploaded copy is deleted."
          : `${uploaded} uploaded copies are deleted.`
        : "",
      chosen.length > uploaded ? "Files in folders of your own stay where they are." : "",
    ];
    const lost = `Codex will not find ${one ? "it" : "them"} any more. ${files.filter(Boolean).join(" ")}`;
    this.confirmation.open({
      question: html`Remove <strong>${one ? written(chosen[0]?.name ?? "") : `${ids.length} documents`}</strong>? ${lost} This cannot be undone.`,
      yes: one ? "Remove it" : `Remove ${ids.length}`,
      doing: "Removing …",
      run: () => this.options.remove(ids),
      back: () =>
        this.page.focus(having("data-act", one ? `remove ${ids[0]}` : "remove"), ".cx-docs-bar input"),
    });
  }
}

/** @param {Document[]} documents */
function summary(documents) {
  const of = (/** @type {string} */ state) => documents.filter((one) => one.state === state).length;
  const parts = ["waiting", "skipped"].flatMap((state) => (of(state) ? [`${of(state)} ${state}`] : []));
  return [counted(documents.length, "document"), ...parts].join(" · ");
}

/** @param {number | null} value */
function whole(value) {
  return value === null ? "–" : count(value);
}

/** @param {number | null} value */
function exact(value) {
  return value === null ? "not available" : String(value);
}

/** @param {Document} document */
function dates({ added, indexed }) {
  const later = indexed ? `; indexed ${new Date(indexed).toLocaleString()}` : "";
  return `added ${new Date(added).toLocaleString()}${later}`;
}
