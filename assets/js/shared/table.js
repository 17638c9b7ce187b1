// The one table: heads that sort, rows that are picked, pages that are turned, and all of it copied.

import { fieldOf } from "./events.js";
import { explained } from "./explained.js";
import { html, live, nothing, repeat } from "./lit.js";
import { copied, iconButton } from "./parts.js";
import { tsv, turned } from "./rows.js";
import { count } from "./words.js";

/** @import {Column, TableOptions} from "./types" */

/**
 * A column of a table.
 * @template Row
 * @param {string} key the field that it sorts by, and data-column of its head
 * @param {unknown} label @param {(row: Row) => unknown} cell @param {Omit<Column<Row>, "key" | "label" | "cell">} options
 * @returns {Column<Row>}
 */
export function column(key, label, cell, options = {}) {
  return { key, label, cell, ...options };
}

/** A table. @template Row @param {TableOptions<Row>} options */
export function table(options) {
  const { columns, rows, key, kind = "", caption, busy = false, picks } = options;
  return html`<table class="cx-table ${kind}" aria-busy=${busy ? "true" : nothing}>
    ${caption ? html`<caption class="cx-sr">${caption}</caption>` : nothing}
    <thead><tr>${picks ? html`<th class="cx-pick">${picks.all()}</th>` : nothing}${columns.map((column) => head(column, options))}</tr></thead>
    <tbody>${repeat(rows, key, (row) => line(row, options))}</tbody>
  </table>`;
}

/** @template Row @param {Column<Row>} column @param {TableOptions<Row>} options */
function head(column, { sort, onsort }) {
  const { key, label, number, title, fixed, hidden } = column;
  const sorts = sort && onsort && !fixed;
  const order = sorts && key === sort.key ? (sort.down ? "descending" : "ascending") : nothing;
  const name = sorts
    ? html`<button type="button" class="cx-sort" data-says=${title ?? nothing} @click=${() => onsort(turned(sort, column))}>${label}</button>`
    : title
      ? explained({ name: label, says: title })
      : html`<span class=${hidden ? "cx-sr" : nothing}>${label}</span>`;
  return html`<th scope="col" class=${number ? "cx-num" : nothing} data-column=${key} aria-sort=${order}>${name}</th>`;
}

/** @template Row @param {Row} row @param {TableOptions<Row>} options */
function line(row, { columns, marks, picks, key, name }) {
  const { here, state } = marks?.(row) ?? {};
  const id = key(row);
  const cells = columns.map((column) => {
    const classes = [column.number && "cx-num", column.kind].filter(Boolean).join(" ") || nothing;
    const exact = column.exact?.(row) ?? nothing;
    return column.head
      ? html`<th scope="row" class=${classes} title=${exact}>${column.cell(row)}</th>`
      : html`<td class=${classes} title=${exact}>${column.cell(row)}</td>`;
  });
  const box = picks ? html`<td class="cx-pick">${picks.one(id, name?.(row) ?? id)}</td>` : nothing;
  return html`<tr class=${here ? "here" : nothing} data-row=${id} data-state=${state ?? nothing}>${box}${cells}</tr>`;
}

/** A table in a frame that can be moved sideways. @template Row @param {string} caption @param {Column<Row>[]} columns @param {Row[]} rows @param {(row: Row) => string} key */
export function scrolled(caption, columns, rows, key) {
  return html`<div class="cx-scroll" tabindex="0" role="group" aria-label=${caption} ?hidden=${!rows.length}>${table({ caption, columns, rows, key })}</div>`;
}

/** Which rows are picked, by their keys. */
export class Picks {
  /** @type {Set<string>} */
  chosen = new Set();
  /** @type {string[]} */
  listed = [];

  /** @param {() => unknown} paint */
  constructor(paint) {
    this.paint = paint;
  }

  /** Rows that are there, and those of them that are listed, on whichever page. @param {string[]} known @param {string[]} listed */
  among(known, listed) {
    const there = new Set(known);
    for (const id of this.chosen) if (!there.has(id)) this.chosen.delete(id);
    this.listed = listed;
  }

  all() {
    const chosen = this.listed.filter((id) => this.chosen.has(id)).length;
    return this.#box("Select all that are listed", this.listed, chosen);
  }

  /** @param {string} id @param {string} name */
  one(id, name) {
    return this.#box(`Select ${name}`, [id], Number(this.chosen.has(id)));
  }

  /** @param {string} label @param {string[]} ids @param {number} chosen of them */
  #box(label, ids, chosen) {
    const every = chosen > 0 && chosen === ids.length;
    const change = (/** @type {Event} */ event) => {
      for (const id of ids) this.chosen[fieldOf(event).checked ? "add" : "delete"](id);
      this.paint();
    };
    return html`<input type="checkbox" aria-label=${label} .checked=${live(every)} .indeterminate=${live(chosen > 0 && !every)} @change=${change}>`;
  }
}

/**
 * Which page of a table is shown, and the way to the others. A button that can no longer be pressed hands the focus
 * on only where the next page shows the same one: elsewhere it is kept.
 * @param {{label: string, first: number, shown: number, total: number, page: number, pages: number,
 *   turn: (page: number) => unknown}} options
 */
export function pager({ label, first, shown, total, page, pages, turn }) {
  const go = (/** @type {number} */ to) => ({
    press: () => turn(to),
    off: { disabled: to < 0 || to >= pages },
  });
  const [back, next] = [go(page - 1), go(page + 1)];
  return html`<nav class="cx-pager cx-row" aria-label=${label} ?hidden=${pages < 2}>
    ${iconButton("back", "Previous page", back.press, back.off)}<span class="cx-num">${count(first + 1)}–${count(first + shown)} of ${count(total)}</span>${iconButton("next", "Next page", next.press, next.off)}
  </nav>`;
}

/** A button that copies rows for a spreadsheet. @param {() => unknown[][]} rows the heads among them */
export function copyButton(rows) {
  return iconButton("copy", "Copy the table", () => copied(tsv(rows())));
}
