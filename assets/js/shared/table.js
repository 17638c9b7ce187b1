// The one table: heads that sort, rows that are picked, pages that are turned, and all of it copied.

import { html, live, nothing, repeat } from "./lit.js";
import { copied, iconButton } from "./parts.js";
import { tsv, turned } from "./rows.js";
import { count } from "./words.js";

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} key the field that it sorts by, and data-column of its head
 * @property {unknown} label
 * @property {(row: Row) => unknown} cell
 * @property {boolean} [number] right-aligned, and first sorted from the largest
 * @property {string} [title] what it means; for a cell: (row) => its exact value
 * @property {(row: Row) => string | null} [exact] what a cell says on hover
 * @property {boolean} [fixed] it does not sort
 * @property {boolean} [hidden] its head is only for screen readers
 * @property {boolean} [head] its cells are the heads of their rows
 * @property {string} [kind] class of its cells
 */
/**
 * @template Row
 * @typedef {object} Options
 * @property {Column<Row>[]} columns
 * @property {Row[]} rows those of the page that is shown, in their order
 * @property {(row: Row) => string} key tells rows apart
 * @property {string} [kind] class of the table
 * @property {string} [caption] for screen readers
 * @property {boolean} [busy] whether other rows are on their way
 * @property {import("./rows.js").Sort} [sort]
 * @property {(sort: import("./rows.js").Sort) => unknown} [onsort]
 * @property {(row: Row) => {here?: boolean, state?: string}} [marks] whether a row is the one that is open, and its data-state
 * @property {Picks} [picks] rows are picked with boxes
 * @property {(row: Row) => string} [name] what a row is called, for its box
 */

/** A table. @template Row @param {Options<Row>} options */
export function table(options) {
  const { columns, rows, key, kind = "cx-lab-table", caption, busy = false, picks } = options;
  return html`<table class=${kind} aria-busy=${busy ? "true" : nothing}>
    ${caption ? html`<caption class="cx-sr">${caption}</caption>` : nothing}
    <thead><tr>${picks ? html`<th class="cx-pick">${picks.all()}</th>` : nothing}${columns.map((column) => head(column, options))}</tr></thead>
    <tbody>${repeat(rows, key, (row) => line(row, options))}</tbody>
  </table>`;
}

/** @template Row @param {Column<Row>} column @param {Options<Row>} options */
function head(column, { sort, onsort }) {
  const { key, label, number, title, fixed, hidden } = column;
  const sorts = sort && onsort && !fixed;
  const order = sorts && key === sort.key ? (sort.down ? "descending" : "ascending") : nothing;
  return html`<th scope="col" class=${number ? "cx-num" : nothing} data-column=${key} aria-sort=${order}
    title=${(!sorts && title) || nothing}>${
      sorts
        ? html`<button type="button" class="cx-sort" title=${title ?? nothing} @click=${() => onsort(turned(sort, column))}>${label}</button>`
        : html`<span class=${hidden ? "cx-sr" : nothing}>${label}</span>`
    }</th>`;
}

/** @template Row @param {Row} row @param {Options<Row>} options */
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

/** Which rows are picked, by their keys. */
export class Picks {
  /** @param {() => unknown} paint */
  constructor(paint) {
    this.paint = paint;
    /** @type {Set<string>} */
    this.chosen = new Set();
    /** @type {string[]} */
    this.listed = [];
  }

  /** Rows that are there, and those of them that are listed, on whichever page. @param {string[]} known @param {string[]} listed */
  among(known, listed) {
    const there = new Set(known);
    for (const id of this.chosen) if (!there.has(id)) this.chosen.delete(id);
    this.listed = listed;
  }

  /** @param {string[]} ids @param {boolean} on */
  set(ids, on) {
    for (const id of ids) this.chosen[on ? "add" : "delete"](id);
    this.paint();
  }

  all() {
    const chosen = this.listed.filter((id) => this.chosen.has(id)).length;
    const every = chosen > 0 && chosen === this.listed.length;
    return html`<input type="checkbox" aria-label="Select all that are listed" .checked=${live(every)}
      .indeterminate=${live(chosen > 0 && !every)}
      @change=${(/** @type {Event} */ event) => this.set(this.listed, /** @type {HTMLInputElement} */ (event.target).checked)}>`;
  }

  /** @param {string} id @param {string} name */
  one(id, name) {
    return html`<input type="checkbox" aria-label="Select ${name}" .checked=${live(this.chosen.has(id))}
      @change=${(/** @type {Event} */ event) => this.set([id], /** @type {HTMLInputElement} */ (event.target).checked)}>`;
  }
}

/**
 * Which page of a table is shown, and the way to the others. A button that can no longer be pressed hands the focus
 * on only where the next page shows the same one: elsewhere it is kept.
 * @param {{label: string, first: number, shown: number, total: number, page: number, pages: number,
 *   turn: (page: number) => unknown}} options
 */
export function pager({ label, first, shown, total, page, pages, turn }) {
  const go = (/** @type {number} */ step, /** @type {string} */ name, /** @type {"back" | "next"} */ shape) =>
    iconButton(shape, name, () => turn(page + step), { disabled: page + step < 0 || page + step >= pages });
  return html`<nav class="cx-pager" aria-label=${label} ?hidden=${pages < 2}>
    ${go(-1, "Page before", "back")}<span class="cx-num">${count(first + 1)}–${count(first + shown)} of ${count(total)}</span>${go(1, "Next page", "next")}
  </nav>`;
}

/** A button that copies rows for a spreadsheet. @param {() => unknown[][]} rows the heads among them */
export function copyButton(rows) {
  return iconButton("copy", "Copy the table", () => copied(tsv(rows())));
}
