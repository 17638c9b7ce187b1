// What is fitted to runs: the runs of a form, the card of a version, the list of those saved, and the page around them.

import { keep, returned, settle } from "./address.js";
import { Confirmation } from "./confirmation.js";
import { fieldOf } from "./events.js";
import { JobPage } from "./jobs.js";
import { html, live, nothing, repeat } from "./lit.js";
import { having, Part } from "./page.js";
import { alarm, badge, button, facts, hint, icon, measured, told, written } from "./parts.js";
import { column } from "./table.js";

/** @import {Column, Explained, Fact, Given, JobOptions, MetricsRow, Version, VersionsState} from "./types" */

const GONE = "This run does not exist or was deleted. Choose another one.";

/** A page of versions: those that are saved, one of them shown, and the jobs that make them. @template {VersionsState} State @extends {JobPage<State>} */
export class VersionsPage extends JobPage {
  /** @type {string | null} The lists that are here. */
  version = null;
  /** @type {State["saved"] | null} */
  list = null;
  /** @type {string | null} The version that is looked at. */
  shown = null;
  /** @type {string | null} A job of which the end is awaited. */
  watched = null;

  /** @param {Given} given @param {JobOptions & {key: string}} options key: of the version in the address */
  constructor(given, options) {
    super(given, options);
    this.key = options.key;
  }

  /** Begin; the page is named by the address now and after each step back. @param {(query: URLSearchParams) => unknown} name @param {() => unknown} changed */
  begun(name, changed) {
    name(new URLSearchParams(location.search));
    returned((now) => {
      name(now);
      changed();
    });
    return this.poller.start();
  }

  seen() {
    return { seen: this.version };
  }

  /** @returns {NonNullable<State["saved"]>[number] | undefined} */
  get found() {
    return this.list?.find(({ version }) => version === this.shown);
  }

  known(/** @type {string | null} */ version) {
    return (this.list ?? []).some((one) => one.version === version);
  }

  /** What came; whether it is a version that was waited for. @param {State} state @returns {unknown} */
  show(state) {
    super.show({ ...this.state, ...state });
    const { job } = state;
    if (this.running && job) this.watched = job.id;
    if (state.runs) Object.assign(this, { version: state.version, list: state.saved ?? [] });
    // The list may have been read a moment before the version was saved: then the next look shows it.
    const made = job && job.id === this.watched ? job.made : null;
    if (!made || !this.known(made)) return false;
    Object.assign(this, { watched: null, shown: made });
    settle({ [this.key]: made, run: null });
    return true;
  }

  /** Show the active version, or the newest, where the one that was asked for is not there. */
  choose() {
    const { list } = this;
    if (!list) return;
    if (this.shown && !this.known(this.shown)) settle({ [this.key]: null });
    if (!this.known(this.shown)) this.shown = (list.find(({ active }) => active) ?? list[0])?.version ?? null;
  }

  /** @param {string} version */
  opened(version) {
    keep({ [this.key]: version, run: null });
    this.set({ shown: version });
  }

  /** @param {string} name @param {object} wanted */
  async begin(name, wanted) {
    const error = await super.begin(name, wanted);
    if (!error) this.watched = this.state?.job?.id ?? null;
    return error;
  }

  /** @param {string} name @param {object} wanted @returns {Promise<string | null>} */
  async change(name, wanted) {
    const { error } = await this.call(name, wanted);
    this.version = null;
    dispatchEvent(new Event("codex-status"));
    await this.poller.look();
    return error?.message ?? null;
  }
}

/** The runs that a form learns from. @template {VersionsPage<any>} Owner @template {{id: string, name: string, model: string}} Run @extends {Part<Owner>} */
export class RunsPart extends Part {
  /** @type {Set<string>} */
  chosen = new Set();
  /** @type {Run[]} */
  runs = [];
  known = false;

  /** Runs that are there; those that are gone are chosen no more, nor those that do not fit. @param {Run[]} runs @param {(run: Run) => unknown} fits */
  take(runs, fits = () => true) {
    let gone = false;
    for (const id of [...this.chosen]) {
      const run = runs.find((one) => one.id === id);
      if (!run) gone = true;
      if (!run || !fits(run)) this.chosen.delete(id);
    }
    Object.assign(this, { runs, known: true });
    return gone ? GONE : null;
  }

  get among() {
    return this.runs.filter(({ id }) => this.chosen.has(id));
  }

  /**
   * @param {string} legend @param {string} what learns from them
   * @param {(run: Run) => {about: unknown, problem: string, disabled?: boolean}} described @param {() => unknown} changed
   */
  list(legend, what, described, changed) {
    const line = (/** @type {Run} */ run) => {
      const { id, name, model } = run;
      const { about, problem, disabled = false } = described(run);
      const change = (/** @type {Event} */ event) => {
        this.chosen[fieldOf(event).checked ? "add" : "delete"](id);
        changed();
      };
      return html`<label class="cx-item cx-check" title=${model}><input type="checkbox" value=${id} ?disabled=${disabled} .checked=${live(this.chosen.has(id))} @change=${change}>
      <span class="cx-grow"><b>${written(name)}</b>${about ? html`<span class="cx-sub">${about}</span>` : nothing}${problem ? html`<span class="cx-sub cx-caution">${written(problem)}</span>` : nothing}</span></label>`;
    };
    const none = html`${hint(`There is no run yet. A ${what} learns from graded answers.`)}
      <a class="cx-button small" href="evaluate">Start a run</a>`;
    const lines = this.runs.length ? repeat(this.runs, ({ id }) => id, line) : this.known ? none : nothing;
    return html`<fieldset class="cx-field"><legend>${legend}</legend><div class="cx-list cx-runs-list">${lines}</div></fieldset>`;
  }
}

/** What can be done with a version, in its card. @template {VersionsPage<any>} Owner @extends {Part<Owner>} */
export class VersionCard extends Part {
  /** @type {string | null} */
  failed = null;
  /** @type {string | null} What is being done. */
  acting = null;

  /** @param {Owner} page @param {string} card its selector @param {string} question what the deletion is called */
  constructor(page, card, question) {
    super(page);
    this.card = card;
    this.confirmation = new Confirmation(question, page.paint);
  }

  /**
   * Activate, roll back, rename and delete.
   * @param {Pick<Version, "version" | "name" | "title" | "active">} of
   * @param {{back: boolean, kept?: boolean, more?: unknown, rest?: object}} options back: there is something to go back to;
   *   kept: it cannot be deleted; more: what else can be done; rest: sent with each call
   */
  actions({ version, name, title, active }, { back, kept = active, more, rest = {} }) {
    const change = (/** @type {string} */ what, /** @type {object} */ wanted) =>
      this.page.change(what, { ...rest, ...wanted });
    const activate = this.act("activate", active ? "Deactivate" : "Activate", {
      kind: active ? "small" : "small primary",
      run: () => change("activate", { version: active ? null : version }),
    });
    const rollback = back && this.act("rollback", "Roll back", { run: () => change("rollback", {}) });
    const naming = {
      name,
      run: (/** @type {string} */ name) => change("rename", { version, name }),
      back: () => this.focus("rename"),
    };
    const rename = button("Rename", () => this.confirmation.rename(naming), { act: "rename" });
    const deletion = {
      question: html`<span>Delete ${written(title)}? This cannot be undone.</span>`,
      yes: "Delete",
      doing: "Deleting …",
      run: () => change("delete", { version }),
      back: () => this.focus("delete"),
    };
    const remove = kept
      ? nothing
      : button("Delete", () => this.confirmation.open(deletion), { act: "delete" });
    return html`<div class="cx-row wrap">${activate}${more ?? nothing}${rollback || nothing}${rename}${remove}</div>
      ${this.confirmation.view()}${alarm(this.failed)}`;
  }

  /** @param {string} act @param {unknown} words @param {{run: () => Promise<string | null>, kind?: string, title?: string, disabled?: boolean}} options */
  act(act, words, { run, disabled = false, ...options }) {
    const off = disabled || this.acting === act;
    return button(words, () => this.#run(act, run), { act, disabled: off, ...options });
  }

  /** @param {string} act @param {() => Promise<string | null>} run */
  async #run(act, run) {
    this.set({ acting: act });
    const failed = await run();
    this.set({ failed, acting: null });
    // A button that is disabled while it works has lost the focus; who has gone elsewhere stays there.
    if (document.activeElement === document.body) this.focus(act);
  }

  /** @param {string} act */
  focus(act) {
    const { card } = this;
    const here = [`${card} ${having("data-act", act)}`, `${card} [data-act=activate]`];
    this.page.focus(...here, ".cx-runs-list input:enabled", "input, select");
  }
}

/** The title of a version, and whether it is active. @param {Pick<Version, "title" | "active">} of */
export function heading({ title, active }) {
  return html`<h2 class="cx-row wrap">${written(title)} ${active ? badge("answer", "answer", "active") : badge("none", null, "not active")}</h2>`;
}

/** What stands in the way, aloud. @param {unknown} words */
export function warning(words) {
  return html`<p class="cx-note cx-row warning" role="alert">${icon("defer")}<span>${words}</span></p>`;
}

/** What a version was made of; a text of more characters stands below its name. @param {[string, Fact][]} known @param {number} long */
export function madeOf(known, long) {
  const line = (/** @type {[string, Fact]} */ [name, value]) => {
    const kind = typeof value === "string" && value.length > long ? "long" : "";
    return /** @type {[string, unknown, string]} */ ([name, told(value), kind]);
  };
  return facts(known.map(line), "pairs");
}

/**
 * Those that are saved.
 * @template {Version} One
 * @param {{label: string, list: One[], shown: string | null, open: (version: string) => void, about: (one: One) => unknown}} options
 */
export function saved({ label, list, shown, open, about }) {
  const line = (/** @type {One} */ one) => html`<li>
    <button type="button" class="cx-item" aria-current=${one.version === shown ? "true" : nothing} @click=${() => open(one.version)}>
      <span class="cx-row wrap tight">${written(one.title)}${one.active ? badge("answer", "answer", "active") : nothing}</span>
      <span class="cx-sub">${about(one)}</span>
      ${one.mismatch ? html`<span class="cx-sub cx-caution">${written(one.mismatch)}</span>` : nothing}</button></li>`;
  return html`<section class="cx-card cx-body" aria-label=${label}><h2>Saved</h2>
    <ul class="cx-list cx-saved">${repeat(list, ({ version }) => version, line)}</ul></section>`;
}

/** A name and its metrics, with intervals. @param {string} head @param {Record<string, Explained>} metrics @returns {Column<MetricsRow>[]} */
export function metricColumns(head, metrics) {
  const label = column("label", head, (/** @type {MetricsRow} */ { label }) => written(label), {
    ...{ head: true, exact: ({ title }) => title },
  });
  const numbers = Object.entries(metrics).map(([key, { name, says }]) => {
    const cell = (/** @type {MetricsRow} */ { metrics }) => {
      const found = metrics?.[key];
      return measured(found?.value, found ? [found.low, found.high] : null);
    };
    return column(key, name, cell, { title: says, number: true });
  });
  return [label, ...numbers];
}
