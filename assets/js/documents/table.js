// The table of documents: filtered as you type, in pages, with what can be done to them.

import { followed, link } from "../shared/address.js";
import { Confirmation } from "../shared/confirmation.js";
import { textOf } from "../shared/events.js";
import { html, nothing } from "../shared/lit.js";
import { having, Part } from "../shared/page.js";
import { badge, button, icon, iconButton, written } from "../shared/parts.js";
import { filtered, paged, sorted } from "../shared/rows.js";
import { column, Picks, pager, table } from "../shared/table.js";
import { bytes, count, counted, moment } from "../shared/words.js";

/** @import {Column} from "../shared/types" */
/** @import {Document} from "./types" */
/** @import {Icon} from "../shared/parts.js" */

const ROWS = 50; // of one page
/** @type {Record<Document["state"], [kind: string, shape: Icon]>} */
const STATES = { indexed: ["answer", "answer"], waiting: ["defer", "clock"], skipped: ["abstain", "skip"] };

/** @extends {Part<import("./page.js").DocumentsPage>} */
export class Documents extends Part {
  picks = new Picks(this.page.paint);
  confirmation = new Confirmation("Remove documents", this.page.paint);
  sort = { key: "name", down: false };
  at = 0;
  words = "";
  /** @type {Document[]} */
  documents = [];
  columns = this.#columns();

  /** @param {Document[]} documents */
  view(documents) {
    this.documents = documents;
    const ids = (/** @type {Document[]} */ some) => some.map(({ id }) => id);
    const found = filtered(documents, this.words, ({ folder, name }) => `${folder}/${name}`);
    const listed = sorted(found, this.sort, ["name", "path"]);
    this.picks.among(ids(documents), ids(listed));
    const { rows, page, pages, first } = paged(listed, this.at, ROWS);
    this.at = page;
    const chosen = [...this.picks.chosen];
    const remove = () =>
      button(`Remove ${chosen.length} selected`, () => this.#ask(chosen), { act: "remove" });
    const title = "Look at every file again and index what has changed";
    const check = button([icon("refresh"), "Check for changes"], this.page.check, { title });
    const filter = (/** @type {Event} */ event) => this.set({ words: textOf(event), at: 0 });
    const lines = table({
      ...{
        kind: "cx-documents-table",
        columns: this.columns,
        rows,
        key: ({ id }) => id,
        name: ({ name }) => name,
      },
      ...{
        picks: this.picks,
        sort: this.sort,
        onsort: (sort) => this.set({ sort }),
        marks: ({ state }) => ({ state }),
      },
    });
    const place = { first, shown: rows.length, total: listed.length, page, pages };
    return html`<section class="cx-card" aria-label="Documents">
      <header class="cx-head"><h2 class="cx-title">${summary(documents)}</h2>
        <input class="cx-input" type="search" aria-label="Filter by name" placeholder="Filter by name" spellcheck="false" @input=${filter}>
        ${chosen.length ? remove() : nothing}${check}</header>${this.confirmation.view()}${lines}
      <p class="cx-hint cx-none" ?hidden=${listed.length > 0}>No document name matches.</p>
      ${pager({ label: "Pages of the table", ...place, turn: (at) => this.set({ at }) })}</section>`;
  }

  /** @returns {Column<Document>[]} */
  #columns() {
    const number = true;
    const state = (/** @type {Document} */ { state }) => badge(STATES[state][0], STATES[state][1], state);
    const passages = (/** @type {Document} */ { state, chunks }) => (state === "indexed" ? chunks : null);
    const remove = (/** @type {Document} */ { id, name }) =>
      iconButton("close", `Remove ${name}`, () => this.#ask([id]), { title: "Remove", act: `remove ${id}` });
    return [
      column("name", "Name", (one) => this.#name(one), { head: true }),
      column("state", "State", state),
      column("pages", "Pages", ({ pages }) => whole(pages), { number, exact: ({ pages }) => exact(pages) }),
      column("chunks", "Passages", (one) => whole(passages(one)), {
        number,
        exact: (one) => exact(passages(one)),
      }),
      column("size", "Size", ({ size }) => bytes(size), {
        number,
        exact: ({ size }) => `${count(size)} bytes`,
      }),
      column("added", "Added", ({ added }) => moment(new Date(added)), { number, exact: dates }),
      column("remove", "Remove", remove, { fixed: true, hidden: true, kind: "cx-act" }),
    ];
  }

  /** @param {Document} document */
  #name({ id, name, path, folder, reason, state }) {
    const open = followed((opener) => this.page.reader.open({ id }, opener, name));
    const words =
      state === "indexed"
        ? html`<a class="cx-link" href=${link({ open: id })} title=${path} @click=${open}>${written(name)}</a>`
        : html`<span title=${path}>${written(name)}</span>`;
    return html`${words}${folder && html`<span class="cx-folder cx-hint">${written(folder)}</span>`}${reason && html`<p class="cx-hint">${written(reason)}</p>`}`;
  }

  // What is lost is said before it is.
  #ask(/** @type {string[]} */ ids) {
    const chosen = this.documents.filter(({ id }) => ids.includes(id));
    const uploaded = chosen.filter((one) => one.uploaded).length;
    const one = ids.length === 1;
    const copies =
      uploaded === 1 ? "The uploaded copy is deleted." : `${uploaded} uploaded copies are deleted.`;
    const lost = [
      `Codex will no longer find ${one ? "it" : "them"}.`,
      uploaded ? copies : "",
      chosen.length > uploaded ? "Files in your own folders stay where they are." : "",
    ];
    const act = having("data-act", one ? `remove ${ids[0]}` : "remove");
    this.confirmation.open({
      question: html`Remove <strong>${one ? written(chosen[0]?.name ?? "") : `${ids.length} documents`}</strong>? ${lost.filter(Boolean).join(" ")} This cannot be undone.`,
      yes: one ? "Remove" : `Remove ${ids.length}`,
      doing: "Removing …",
      run: () => this.page.remove(ids),
      back: () => this.page.focus(act, "[aria-label=Documents] .cx-head input"),
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
