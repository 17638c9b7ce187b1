// What a policy does to a run: one bar, the figures, and another policy beside it.

import { choice } from "../shared/form.js";
import { html } from "../shared/lit.js";
import { decision, icon } from "../shared/parts.js";
import { table } from "../shared/table.js";
import { count, counted, number, share } from "../shared/words.js";

/** @import {Action, Policy} from "../shared/types" */
/** @import {Moved, Outcome} from "./types" */
/** @typedef {{now: string, other: string}} Names */
/** @typedef {{now: Policy["guarantee"], other: Policy["guarantee"]}} Guarantees */
/** @typedef {{key: string, name: unknown, title?: string, now: unknown, other: unknown}} Line */

const ACTIONS = /** @type {Action[]} */ (["answer", "defer", "abstain"]);
const SAID = 700; // ms of rest after which the outcome is said aloud

export class OutcomeView {
  /** @type {Moved | null} */
  moved = null;
  names = { now: "", other: "" };
  /** @type {Guarantees} */
  guarantees = { now: null, other: null };
  live = "";
  saying = 0;

  /** @param {import("../shared/page.js").Page} page @param {(version: string) => void} compare */
  constructor(page, compare) {
    this.page = page;
    this.compare = compare;
  }

  /** @param {Moved} moved @param {Names} names @param {Guarantees} guarantees */
  show(moved, names, guarantees) {
    Object.assign(this, { moved, names, guarantees });
    clearTimeout(this.saying);
    this.saying = window.setTimeout(() => {
      this.live = `${words(moved.now)}; ${share(moved.now.accuracy)} right among answered`;
      this.page.paint();
    }, SAID);
  }

  /** @param {[string, string][]} policies to compare with @param {string} chosen one of them */
  view(policies, chosen) {
    const other = choice(policies, { label: "Compare with", value: chosen, change: this.compare });
    return html`<section class="cx-lab-card cx-tuning-card" aria-label="Outcome">
      <div class="cx-stack" role="img" aria-label=${this.moved ? words(this.moved.now) : ""}>${this.moved && parts(this.moved.now)}</div>
      <div class="cx-tuning-figures">${this.moved && figures(this.moved, this.names.other)}</div>
      ${table({
        kind: "cx-tuning-compare",
        caption: "This policy beside another",
        columns: [
          {
            key: "name",
            label: "",
            head: true,
            cell: ({ name }) => name,
            exact: ({ title }) => title ?? null,
          },
          { key: "now", label: this.names.now, kind: "cx-num", cell: ({ now }) => now },
          { key: "other", label: other, kind: "cx-num", cell: (/** @type {Line} */ line) => line.other },
        ],
        rows: this.moved ? lines(this.moved, this.guarantees) : [],
        key: ({ key }) => key,
      })}
      <p class="cx-sr" aria-live="polite">${this.live}</p></section>`;
  }
}

/** @param {Outcome} outcome */
function words({ actions, questions }) {
  return ACTIONS.map((action) => `${action} ${share(actions[action] / questions)}`).join(", ");
}

/** @param {Outcome} outcome */
function parts({ actions, questions }) {
  return ACTIONS.map((action) => {
    const part = actions[action] / questions;
    return html`<span class=${action} style="width:${100 * part}%" title="${action}: ${count(actions[action])} of ${count(questions)}"><span
      class="cx-stack-part">${icon(action)}<span>${action} ${share(part)}</span></span></span>`;
  });
}

/** @param {Moved} moved @param {string} name of the other policy */
function figures({ now, differs }, name) {
  const large = (/** @type {number | null} */ value) =>
    html`<span class="cx-tuning-figure">${exact(value)}</span>`;
  return html`<p>${large(now.accuracy)}${now.interval && range(now.interval, "cx-num")}<span class="cx-muted">${
    now.accuracy === null ? " nothing is answered" : " right among answered"
  }</span></p>
    <p>${large(now.coverage)}<span class="cx-muted"> answered</span></p>
    <p class="cx-muted">${
      differs
        ? `decides ${counted(differs, "question")} otherwise than ${name}`
        : `decides every question like ${name}`
    }</p>`;
}

/** @param {Moved} moved @param {Guarantees} guarantees @returns {Line[]} */
function lines({ now, other }, guarantees) {
  const line = (
    /** @type {string} */ key,
    /** @type {(outcome: Outcome) => unknown} */ value,
    /** @type {unknown} */ name = key,
    title = "",
  ) => ({
    ...{ key, name, title },
    ...{ now: value(now), other: value(other) },
  });
  return [
    ...ACTIONS.map((action) =>
      line(action, ({ actions, questions }) => amount(actions[action], questions), decision(action)),
    ),
    line("right among answered", ({ accuracy, interval }) =>
      accuracy === null ? "n/a" : [exact(accuracy), interval && range(interval)],
    ),
    line("wrong answers given", ({ wrong }) => count(wrong)),
    line("right answers withheld", ({ right_withheld: withheld }) => count(withheld)),
    line(
      "asked again first",
      ({ gates, questions }) => amount(gates.retrieve + gates.reflect, questions),
      "asked again first",
      "retrieve and reflect",
    ),
    {
      key: "guarantee",
      name: "guarantee",
      now: guaranteeWords(guarantees.now),
      other: guaranteeWords(guarantees.other),
    },
  ];
}

/** @param {[number, number]} interval */
function range(interval, kind = "") {
  return html`<span class="cx-muted ${kind}"> [${interval.map((end) => number(100 * end)).join(", ")}]</span>`;
}

/** @param {number} some @param {number} all */
function amount(some, all) {
  return [exact(some / all), html`<span class="cx-muted"> ${count(some)}</span>`];
}

/** @param {Policy["guarantee"]} guarantee */
function guaranteeWords(guarantee) {
  if (!guarantee) return html`<span class="cx-muted">none</span>`;
  return html`<span class="cx-tuning-guarantee">at most ${share(guarantee.risk)} incorrect, ${share(guarantee.confidence_level)} confidence level</span>`;
}

/** @param {number | null} value */
function exact(value) {
  return html`<span class="cx-num" title=${value === null ? "not available" : `${100 * value} %`}>${share(value)}</span>`;
}
