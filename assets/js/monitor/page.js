// The Monitor page: alerts, what was decided over time, and where the signals lie.

import { asked, link, returned, settle } from "../shared/address.js";
import { explained } from "../shared/explained.js";
import { choice, field } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { alarm, badge, button, exact, facts, hint, unseen, when, written } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { latest, Poller } from "../shared/server.js";
import { column, copyButton, table } from "../shared/table.js";
import { count, counted, number } from "../shared/words.js";

/** @import {Figure} from "../shared/types" */
/** @import {Alert, Chart, Notice, Seen, Signal} from "./types" */
/** @import {Icon} from "../shared/parts.js" */

const LOOK = 60_000; // ms between two looks
const HEIGHT = 220;
/** @type {Record<string, [kind: string, icon: Icon]>} */
const STATES = {
  ok: ["answer", "answer"],
  alert: ["abstain", "alert"],
  paused: ["", "pause"],
  no_data: ["", "clock"],
  cold_start: ["", "clock"],
};
const CHARTS = /** @type {Chart[]} */ (["decisions", "failed", "confidence", "latency", "tokens"]);

/** @param {import("../shared/types").Given} given */
export function mount(given) {
  new Monitor(given).start();
}

class Monitor extends Page {
  /** @type {Seen | null} */
  seen = null;
  failed = "";
  span = "";
  model = "";
  policy = "";
  plots = new Map(CHARTS.map((name) => [name, new Plot()]));
  /** What is shown; always of what was chosen last. */
  look = latest(async () => {
    const { value, error } = await this.call("look", this.#chosen);
    this.set({ ...(value && { seen: value }), failed: error?.message ?? "" });
    await this.#draw();
  });
  poller = new Poller({ ask: () => this.look(), show: () => {}, wait: () => LOOK });

  start() {
    this.#read(asked());
    returned((query) => {
      this.#read(query);
      this.look();
    });
    this.paint();
    Plot.warm();
    this.poller.start();
  }

  get #chosen() {
    const { span, model, policy } = this;
    return { span, model, policy };
  }

  /** @param {URLSearchParams} query */
  #read(query) {
    const [first] = this.config.spans;
    const known = this.config.spans.some((/** @type {string[]} */ [name]) => name === query.get("span"));
    this.span = (known && query.get("span")) || first[0];
    this.model = query.get("model") ?? "";
    this.policy = query.get("policy") ?? "";
  }

  /** @param {object} change */
  #choose(change) {
    this.set(change);
    settle(this.#chosen);
    this.look();
  }

  async #draw() {
    const { charts, hourly = false } = this.seen ?? {};
    if (!charts) return;
    const drawn = [...this.plots].map(([name, plot]) => plot.draw(inLocalTime(charts[name], hourly)));
    await Promise.all(drawn);
  }

  view() {
    const { seen } = this;
    return html`<div class="cx-page cx-monitor"><h1 class="cx-sr">Monitor</h1>
      ${alarm(this.failed)}
      ${seen && [this.#alerts(seen.alerts), this.#picked(seen), this.#signals(seen), this.#notices(seen)]}</div>`;
  }

  /** @param {Alert[]} alerts */
  #alerts(alerts) {
    const state = (/** @type {Alert} */ { state, word, since }) =>
      html`${badge(...STATES[state], html`<span>${word}</span>`)}<span class="cx-sub">since ${when(since)}</span>`;
    const name = (/** @type {Alert} */ { title, meaning }) => explained({ name: title, says: meaning });
    const act = (/** @type {Alert} */ alert) => {
      const [call, words] = alert.state === "paused" ? ["resume", "Resume"] : ["pause", "Pause"];
      const press = async () => {
        const { error } = await this.call(call, { alert: alert.name });
        if (error) return this.set({ failed: error.message });
        return this.look();
      };
      return button(words, press, { label: `${words}: ${alert.title}`, act: alert.name });
    };
    const columns = [
      column("name", "Alert", name, { head: true }),
      column("state", "State", state),
      column("message", "What it saw", ({ message }) => message, { kind: "cx-wide" }),
      column("act", unseen("Pause or resume"), act),
    ];
    const lines = table({ kind: "cx-alerts", columns, rows: alerts, key: ({ name }) => name });
    return html`<section class="cx-card" aria-label="Alerts"><header class="cx-head"><h2 class="cx-title">Alerts</h2></header>
      <div class="cx-scroll" tabindex="0" role="group" aria-label="Alerts">${lines}</div></section>`;
  }

  /** @param {Seen} seen */
  #picked({ models, policies, facts: rows, charts }) {
    /** @param {string[]} names @param {string} all @returns {[string, string][]} */
    const options = (names, all) => [
      ["", all],
      ...names.map((name) => /** @type {[string, string]} */ ([name, name])),
    ];
    const pick = (/** @type {string} */ key) => (/** @type {string} */ value) =>
      this.#choose({ [key]: value });
    const none = models.length
      ? html`<div class="cx-empty"><h2>No question in this window</h2><p>Choose a longer one, or every model and policy.</p></div>`
      : html`<div class="cx-empty"><h2>Nothing to watch yet</h2><p>Each question is counted here: what was decided, how confident, how long it took.</p>
          <p><a class="cx-button primary" href="./">Ask a question</a></p></div>`;
    const plots = CHARTS.map((name) => this.plots.get(name)?.element);
    return html`<section class="cx-card cx-body cx-column" aria-label="Questions"><h2 class="cx-sr">Questions</h2>
      <div class="cx-picked">
        ${field("Window", choice(this.config.spans, { value: this.span, change: pick("span") }))}
        ${field("Model", choice(options(models, "every model"), { value: this.model, change: pick("model") }))}
        ${field("Policy", choice(options(policies, "every policy"), { value: this.policy, change: pick("policy") }))}</div>
      ${charts ? facts(rows.map(([name, value]) => [name, written(value)])) : none}
      <div class="cx-charts" ?hidden=${!charts}>${plots}</div></section>`;
  }

  /** @param {Seen} seen */
  #signals({ signals: { words, rows } }) {
    if (!rows.length) return nothing;
    const name = (/** @type {Signal} */ { label, meaning, unit }) =>
      html`${explained({ name: label, says: meaning })}<span class="cx-sub">${unit}</span>`;
    const at = (/** @type {number} */ place) => (/** @type {Signal} */ signal) => threshold(signal, place);
    const columns = [
      column("label", "Signal", name, { head: true }),
      column("rule", "Rule of the active policy", ({ rule }) => rule),
      column("n", "Answers", ({ n }) => count(n), { number: true }),
      ...["p10", "p50", "p90"].map((quantile, place) =>
        column(quantile, quantile, at(place), { number: true }),
      ),
    ];
    const copied = () => [
      ["signal", "unit", "answers", "p10", "p50", "p90"],
      ...rows.map(({ name, unit, n, quantiles }) => [name, unit, n, ...quantiles.map(([, value]) => value)]),
    ];
    const lines = (/** @type {string} */ caption, /** @type {Signal[]} */ some) =>
      html`<div class="cx-scroll" tabindex="0" role="group" aria-label=${caption}>${table({ caption, columns, rows: some, key: ({ name }) => name })}</div>`;
    const ruled = rows.filter(({ rule }) => rule);
    const others = rows.filter(({ rule }) => !rule);
    const says =
      " A number is a link: it sets the threshold of that signal's rule to it on the Tune page, where you see what it would change before you save it.";
    return html`<section class="cx-card" aria-label="Signals"><header class="cx-head cx-row between"><h2 class="cx-title">Signals</h2>${copyButton(copied)}</header>
      <div class="cx-body">${hint([words, says])}</div>
      ${ruled.length ? lines("Signals with a rule", ruled) : nothing}
      <details class="cx-others" ?open=${!ruled.length}><summary>${counted(others.length, "signal")} without a rule</summary>${lines("Signals without a rule", others)}</details></section>`;
  }

  /** @param {Seen} seen */
  #notices({ notices, notes }) {
    const delivery = (/** @type {Notice} */ { delivery, error }) =>
      html`${delivery}${error ? html`<span class="cx-sub">${written(error)}</span>` : nothing}`;
    const columns = [
      column("at", "When", (/** @type {Notice} */ { at }) => when(at)),
      column("title", "Alert", ({ title, kind }) => `${title}: ${kind}`, { head: true }),
      column("message", "What it saw", ({ message }) => message, { kind: "cx-wide" }),
      column("delivery", "Webhook", delivery),
    ];
    const lines = table({
      caption: "History of the alerts",
      columns,
      rows: notices,
      key: (row) => String(row.number),
    });
    return html`<section class="cx-card" aria-label="History"><header class="cx-head"><h2 class="cx-title">History</h2></header>
      ${notices.length ? html`<div class="cx-scroll" tabindex="0" role="group" aria-label="History of the alerts">${lines}</div>` : html`<div class="cx-body">${hint("No alert was raised yet.")}</div>`}
      <div class="cx-body">${notes.map(hint)}</div></section>`;
  }
}

/** A quantile as a link that makes it a rule's threshold. @param {Signal} signal @param {number} place */
function threshold({ name, label, unit, side, quantiles }, place) {
  const [quantile, value] = quantiles[place];
  const words = number(value);
  const says = `${words}: set the threshold of ${label} to this, its ${quantile}`;
  const address = link({ signal: name, threshold: Number(value.toPrecision(3)), side }, "tune");
  return html`<a class="cx-link" href=${address} aria-label=${says}>${exact(value, words, `${value} ${unit}`.trim())}</a>`;
}

/** The hours of a figure in local time; days stay as they are. @param {Figure} figure @param {boolean} hourly @returns {Figure} */
function inLocalTime(figure, hourly) {
  const local = (/** @type {string} */ iso) => {
    if (!hourly) return iso.slice(0, 10);
    const at = new Date(iso);
    return new Date(at.getTime() - 60_000 * at.getTimezoneOffset())
      .toISOString()
      .slice(0, 16)
      .replace("T", " ");
  };
  const data = figure.data.map((trace) => ({ ...trace, x: trace.x.map(local) }));
  return { data, layout: { ...figure.layout, height: HEIGHT } };
}
