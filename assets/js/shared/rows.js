// Rows of a table: filtered, ordered, cut into pages, copied. Pure.

/** @import {Sort} from "./types" */

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/**
 * Rows in the order that is asked for, ties by the keys that follow; missing values always last.
 * @template {object} Row @param {Row[]} rows @param {Sort} sort @param {string[]} ties
 */
export function sorted(rows, { key, down }, ties = []) {
  /** @type {(row: Row, name: string) => any} */
  const of = (row, name) => /** @type {any} */ (row)[name] ?? null;
  return [...rows].sort((one, other) => {
    const [a, b] = [of(one, key), of(other, key)];
    const gone = Number(a === null) - Number(b === null);
    if (gone) return gone;
    const order = compared(a, b) || ties.reduce((so, tie) => so || compared(of(one, tie), of(other, tie)), 0);
    return down ? -order : order;
  });
}

/** @param {any} a @param {any} b */
function compared(a, b) {
  if (a === b || a === null || b === null) return 0;
  return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
}

/** Rows of whose text every word is a part. @template Row @param {Row[]} rows @param {string} words @param {(row: Row) => string} textOf */
export function filtered(rows, words, textOf) {
  const wanted = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return rows;
  return rows.filter((row) => {
    const text = textOf(row).toLocaleLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** One page of rows; a page that is not there becomes the last. @template Row @param {Row[]} rows @param {number} page @param {number} size */
export function paged(rows, page, size) {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const at = Math.min(Math.max(0, page), pages - 1);
  return { rows: rows.slice(at * size, (at + 1) * size), page: at, pages, first: at * size };
}

/**
 * The order after a head was pressed: numbers begin with the largest, texts with the first.
 * @param {Sort} sort @param {{key: string, number?: boolean}} column @returns {Sort}
 */
export function turned(sort, { key, number }) {
  return { key, down: sort.key === key ? !sort.down : Boolean(number) };
}

/** Rows as text that a spreadsheet takes: cells between tabs, without tabs and line ends of their own. @param {unknown[][]} rows */
export function tsv(rows) {
  const cell = (/** @type {unknown} */ value) => String(value ?? "").replace(/[\t\r\n]+/g, " ");
  return rows.map((row) => row.map(cell).join("\t")).join("\n");
}
