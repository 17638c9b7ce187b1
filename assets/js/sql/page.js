// The SQL page: a query over the store, and what it found as a table and a plot.

import { textOf } from "../shared/events.js";
import { choice, field } from "../shared/form.js";
import { html, live, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { alarm, hint } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { paged } from "../shared/rows.js";
import { freshId } from "../shared/server.js";
import { column, copyButton, pager, table } from "../shared/table.js";
import { count } from "../shared/words.js";

/** @import {Line, Result} from "./types" */

const QUERY = "codex.sql";
const SIZE = 50;
const SHOWN = 500; // characters of a cell
const SCHEMA =
  "SELECT table_name, string_agg(column_name || ' ' || lower(data_type), ', ' ORDER BY ordinal_position) FROM information_schema.columns GROUP BY ALL ORDER BY ALL";
const KINDS = [
  ["lines", "lines"],
  ["markers", "points"],
  ["bar", "bars"],
];

/** @param {import("../shared/types").Given} given */
export function mount(given) {
  new Sql(given).start();
}

class Sql extends Page {
  query = sessionStorage.getItem(QUERY) ?? this.config.examples[0][1];
  /** @type {Result | null} */
  result = null;
  /** @type {[string, string][]} */
  tables = [];
  failed = "";
  running = "";
  page = 0;
  x = "";
  y = "";
  kind = "lines";
  plot = new Plot();

  async start() {
    this.paint();
    const { value } = await this.call("run", { query: SCHEMA, key: freshId() });
    this.set({ tables: value?.rows ?? [] });
  }

  async #run() {
    if (this.running) return;
    const key = freshId();
    this.set({ running: key, failed: "" });
    const { value, error } = await this.call("run", { query: this.query, key });
    this.set({ running: "", failed: error?.message ?? "" });
    if (!value) return;
    const numbers = numeric(value);
    const [first] = value.columns.map((/** @type {{name: string}} */ { name }) => name);
    this.set({ result: value, page: 0, x: first, y: numbers.find((name) => name !== first) ?? "" });
    this.#draw();
    this.focus(".cx-result h2");
  }

  async #save() {
    const { value, error } = await this.call("csv", { query: this.query, key: freshId() });
    this.set({ failed: error?.message ?? "" });
    if (!value) return;
    const href = URL.createObjectURL(new Blob([value], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href, download: "codex.csv" }).click();
    URL.revokeObjectURL(href);
  }

  #draw() {
    const { result, x, y, kind } = this;
    if (!result || !y) return;
    const at = (/** @type {string} */ wanted) => result.columns.findIndex(({ name }) => name === wanted);
    const [across, up] = [at(x), at(y)];
    const values = { x: result.rows.map((row) => row[across]), y: result.rows.map((row) => row[up]) };
    const trace = kind === "bar" ? { type: "bar" } : { type: "scatter", mode: kind };
    const marks = { marker: { color: "var(--cx-accent)" }, line: { color: "var(--cx-accent)" } };
    const layout = { xaxis: { title: { text: plain(x) } }, yaxis: { title: { text: plain(y) } } };
    this.plot.draw({ data: [{ ...trace, ...values, ...marks }], layout }, { name: `${y} by ${x}` });
  }

  view() {
    const { examples, limits, longest } = this.config;
    const type = (/** @type {Event} */ event) => {
      this.query = textOf(event);
      sessionStorage.setItem(QUERY, this.query);
    };
    const key = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.#run();
      }
    };
    const take = (/** @type {string} */ query) => {
      if (query) this.set({ query });
    };
    const chosen = examples.map((/** @type {[string, string]} */ [name, query]) => [query, name]);
    const stop = html`<button type="button" class="cx-button" @click=${() => this.call("stop", { key: this.running })}>Stop</button>`;
    return html`<div class="cx-page cx-sql cx-column"><h1 class="cx-sr">SQL</h1>
      <section class="cx-card cx-body"><h2>Query the store</h2>
        ${field("Examples", choice([["", "Choose one …"], ...chosen], { value: "", change: take }))}
        <textarea class="cx-input" aria-label="Query" rows="7" spellcheck="false" maxlength=${longest} .value=${live(this.query)} @input=${type} @keydown=${key}></textarea>
        ${alarm(this.failed)}
        <div class="cx-row"><button type="button" class="cx-button primary" ?disabled=${Boolean(this.running)} @click=${() => this.#run()}>${this.running ? "Running …" : "Run"}</button>
          ${this.running ? stop : nothing}<span class="cx-muted">Ctrl+Enter runs it, too</span></div>
        ${hint(`Read-only, in DuckDB's SQL, over a copy of the store; at most ${limits}.`)}
        ${this.#schema()}
      </section>
      ${this.result ? this.#found(this.result) : nothing}</div>`;
  }

  #schema() {
    const lines = this.tables.map(
      ([name, columns]) => html`<dt><code>${name}</code></dt><dd>${columns}</dd>`,
    );
    return html`<details class="cx-tables"><summary>Tables and their columns</summary><dl>${lines}</dl></details>`;
  }

  /** @param {Result} result */
  #found(result) {
    const numbers = numeric(result);
    const isNumber = new Set(numbers);
    const columns = result.columns.map(({ name, type }, i) =>
      column(String(i), name, (/** @type {Line} */ { cells }) => shown(cells[i]), {
        number: isNumber.has(name),
        title: type,
        exact: ({ cells }) => (cells[i] === null ? null : String(cells[i]).slice(0, SHOWN)),
      }),
    );
    const all = result.rows.map((cells, id) => ({ id: String(id), cells }));
    const { rows, page, pages, first } = paged(all, this.page, SIZE);
    const turn = (/** @type {number} */ to) => this.set({ page: to });
    const total = all.length;
    const copy = copyButton(() => [result.columns.map(({ name }) => name), ...result.rows]);
    return html`<section class="cx-card cx-result" aria-label="Result"><header class="cx-head"><h2 class="cx-title" tabindex="-1">${words(result)}</h2>
        <button type="button" class="cx-button" @click=${() => this.#save()}>CSV</button>${copy}</header>
      <div class="cx-scroll">${table({ columns, rows, key: ({ id }) => id, caption: "Result" })}</div>
      ${total ? nothing : html`<p class="cx-hint cx-none">The query found no row.</p>`}
      ${pager({ label: "Pages of the result", first, shown: rows.length, total, page, pages, turn })}</section>
      ${numbers.length && total > 1 ? this.#plotted(result, numbers) : nothing}`;
  }

  /** @param {Result} result @param {string[]} numbers */
  #plotted(result, numbers) {
    const change = (/** @type {object} */ changed) => {
      this.set(changed);
      this.#draw();
    };
    const options = (/** @type {string[]} */ names) => names.map((name) => [name, name]);
    const x = choice(/** @type {[string, string][]} */ (options(result.columns.map(({ name }) => name))), {
      value: this.x,
      change: (value) => change({ x: value }),
    });
    const y = choice(/** @type {[string, string][]} */ (options(numbers)), {
      value: this.y,
      change: (value) => change({ y: value }),
    });
    const kind = choice(/** @type {[string, string][]} */ (KINDS), {
      value: this.kind,
      change: (value) => change({ kind: value }),
    });
    return html`<section class="cx-card cx-body" aria-label="Plot"><h2>Plot</h2>
      <div class="cx-row wrap">${field("X axis", x)}${field("Y axis", y)}${field("As", kind)}</div>${this.plot.element}</section>`;
  }
}

/** @param {Result} result */
function words({ rows, truncated, seconds }) {
  const left = { rows: "; there are more", bytes: "; the rest is too large" };
  const of = rows.length === 1 ? "row" : "rows";
  return `${truncated ? "The first " : ""}${count(rows.length)} ${of} in ${seconds.toFixed(1)} s${truncated ? left[truncated] : ""}`;
}

/** The columns of numbers. @param {Result} result */
function numeric({ columns, rows }) {
  const isNumber = (/** @type {unknown} */ value) => value === null || typeof value === "number";
  const names = columns.map(({ name }) => name);
  return names.filter((_, i) => rows.every((row) => isNumber(row[i])) && rows.some((row) => row[i] !== null));
}

/** @param {unknown} value */
function shown(value) {
  if (value === null) return html`<span class="cx-muted">NULL</span>`;
  // A double's sixteen digits are on hover.
  const text = String(typeof value === "number" ? Number(value.toPrecision(6)) : value);
  return html`<bdi class="cx-clamp">${text.length > SHOWN ? `${text.slice(0, SHOWN)} …` : text}</bdi>`;
}

/** Plotly reads titles as markup. @param {string} text */
function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
