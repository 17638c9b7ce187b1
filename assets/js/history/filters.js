// What the list is limited to: typed here, kept in the address, and sent with the exports.

import { changed, settle } from "../shared/address.js";
import { textOf } from "../shared/events.js";
import { choice, field } from "../shared/form.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { button, muted } from "../shared/parts.js";
import { actionWords, capital } from "../shared/words.js";

/** @import {Filter} from "./types" */

const NAMES = [
  "text",
  "since",
  "until",
  "model",
  "policy",
  "session",
  "action",
  "gate",
  "low",
  "high",
  "label",
];
/** @type {[string, string, string, string][]} What can be exported: format, table, words, title. */
const EXPORTS = [
  ["jsonl", "events", "JSONL", "A line for each step, with all that is stored but the tokens"],
  ["parquet", "events", "Parquet", "A row for each step, with all that is stored but the tokens"],
  ["jsonl", "tokens", "tokens as JSONL", "A line for each token"],
  ["parquet", "tokens", "tokens as Parquet", "A row for each token"],
];

/** @extends {Part<import("./page.js").Sessions>} */
export class Filters extends Part {
  /** @type {Filter} As it was typed; times are local. */
  typed = {};

  /** Take over what the address says. @param {URLSearchParams} query */
  read(query) {
    this.typed = Object.fromEntries(
      NAMES.flatMap((name) => (query.get(name) ? [[name, query.get(name) ?? ""]] : [])),
    );
  }

  get active() {
    return Object.values(this.typed).some(Boolean);
  }

  /** As the server reads it: moments with their time zone. @returns {Filter} */
  get values() {
    const { since, until } = this.typed;
    return { ...this.typed, since: moment(since, 0), until: moment(until, 1) };
  }

  /** @param {Filter} change */
  change(change) {
    Object.assign(this.typed, change);
    settle(Object.fromEntries(NAMES.map((name) => [name, this.typed[name]])));
    return this.page.first();
  }

  clear() {
    this.page.focus("[type=search]");
    return this.change(Object.fromEntries(NAMES.map((name) => [name, ""])));
  }

  /** Where an export of what is listed is found. @param {string} format @param {string} table */
  exported(format, table) {
    const { low, high, ...values } = this.values;
    const share = (/** @type {string | undefined} */ typed) => (typed ? String(Number(typed) / 100) : "");
    const query = { format, table, ...values, low: share(low), high: share(high) };
    return `traces/export?${changed(new URLSearchParams(), query)}`;
  }

  /** @param {unknown} compare */
  view(compare) {
    const { typed, page } = this;
    const { facets, config } = page;
    const search = html`<input class="cx-input cx-grow" type="search" aria-label="Search questions and answers" placeholder="Search, or paste a whole question or its SHA-256" maxlength="10000"
      .value=${live(typed.text ?? "")} @input=${(/** @type {Event} */ event) => this.change({ text: textOf(event) })}>`;
    /** @param {string} name @param {string} words @param {[string, string][]} options */
    const one = (name, words, options) =>
      field(
        words,
        choice([["", "any"], ...options], {
          value: typed[name] ?? "",
          change: (value) => this.change({ [name]: value }),
        }),
      );
    /** @param {string} name @param {string} words @param {string} type */
    const input = (name, words, type) =>
      field(
        words,
        html`<input class="cx-input" type=${type} min=${type === "number" ? 0 : nothing} max=${type === "number" ? 100 : nothing} .value=${live(typed[name] ?? "")}
        @change=${(/** @type {Event} */ event) => this.change({ [name]: textOf(event) })}>`,
      );
    const same = (/** @type {string[]} */ words) =>
      words.map((word) => /** @type {[string, string]} */ ([word, word]));
    const session = typed.session
      ? html`<span class="cx-row tight">${muted("one session")}${button("All sessions", () => this.change({ session: "" }))}</span>`
      : nothing;
    const links = EXPORTS.map(
      ([format, table, words, title]) =>
        html`<a class="cx-link" href=${this.exported(format, table)} title=${title} download>${words}</a>`,
    );
    const actions = config.actions.map((/** @type {string} */ action) => [
      action,
      capital(actionWords(action)),
    ]);
    const more = ["since", "until", "model", "policy", "gate", "low", "high", "label"].some(
      (name) => typed[name],
    );
    return html`<header class="cx-head"><h2 class="cx-title">Answers</h2>${search}${compare}</header>
      <div class="cx-toolbar cx-row wrap"><details class="cx-grow" ?open=${more}><summary>Filters</summary><div class="cx-filters">${one("action", "Decision", actions)}${input("low", "Confidence from, %", "number")}${input("high", "to, %", "number")}${one("label", "Label", config.labels)}
        ${input("since", "From", "date")}${input("until", "To", "date")}${one("model", "Model", same(facets.models))}${one("policy", "Policy", same(facets.policies))}${one("gate", "Gate", same(config.gates))}</div></details>
        ${session}${this.active ? button("Clear the filters", () => this.clear()) : nothing}<span class="cx-row wrap cx-small">${muted("Export")}${links}</span></div>`;
  }
}

/** The beginning of a local day, or the end. @param {string | undefined} day @param {number} later days */
function moment(day, later) {
  if (!day) return "";
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}
