// What a policy does to a run: one bar, the metrics, and another policy beside it.

import { explained } from "../shared/explained.js";
import { choice } from "../shared/form.js";
import { html } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { decision, icon, muted, percent, range } from "../shared/parts.js";
import { column, table } from "../shared/table.js";
import { chosen, count, counted, share } from "../shared/words.js";

/** @import {Action, Explained, Policy} from "../shared/types" */
/** @import {Moved, Outcome} from "./types" */
/** @typedef {{key: string, name: unknown, title?: string, now: unknown, other: unknown}} Line */

const ACTIONS = /** @type {Action[]} */ (["answer", "defer", "abstain"]);
const SAID = 700; // ms of rest after which the outcome is said aloud

/** @extends {Part<import("./page.js").Tune>} */
export class OutcomeView extends Part {
  /** @type {Moved | null} */
  moved = null;
  names = { now: "", other: "" };
  /** @type {Record<"now" | "other", Policy["guarantee"]>} */
  guarantees = { now: null, other: null };
  live = "";
  saying = 0;

  /** @param {Moved} moved @param {typeof this.names} names @param {typeof this.guarantees} guarantees */
  show(moved, names, guarantees) {
    Object.assign(this, { moved, names, guarantees });
    clearTimeout(this.saying);
    const live = `${words(moved.now)}; ${share(moved.now.accuracy)} correct among answered`;
    this.saying = window.setTimeout(() => this.set({ live }), SAID);
  }

  /** @param {[string, string][]} policies to compare with @param {string} chosen one of them @param {unknown} note what it is about */
  view(policies, chosen, note) {
    const { moved, names, guarantees, page } = this;
    const compare = (/** @type {string} */ other) => {
      page.other = other;
      page.ask();
    };
    const other = choice(policies, { label: "Compare with", value: chosen, change: compare });
    const columns = [
      column("name", "Outcome", (/** @type {Line} */ { name }) => name, {
        head: true,
        hidden: true,
        exact: ({ title }) => title ?? null,
      }),
      column("now", names.now, (/** @type {Line} */ { now }) => now),
      column("other", other, (/** @type {Line} */ { other }) => other),
    ];
    const rows = moved ? lines(moved, guarantees, page.config.metrics) : [];
    const compared = table({
      kind: "cx-compare",
      caption: "This policy beside another",
      columns,
      rows,
      key: ({ key }) => key,
    });
    return html`<section class="cx-card cx-body" aria-label="Outcome">${note}
      <div class="cx-stack" role="img" aria-label=${moved ? words(moved.now) : ""}>${moved && parts(moved.now)}</div>
      <div class="cx-row wrap cx-outcome">${moved && metrics(moved, names.other)}</div>${compared}
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
function metrics({ now, differs }, name) {
  const large = (/** @type {number | null} */ value) => html`<span class="cx-large">${percent(value)}</span>`;
  const among = now.accuracy === null ? " nothing is answered" : " correct among answered";
  const other = differs
    ? `${counted(differs, "decision")} differ from ${name}`
    : `decides every question like ${name}`;
  return html`<p>${large(now.accuracy)}${now.interval && range(now.interval, share)}${muted(among)}</p>
    <p>${large(now.coverage)}${muted(" answered")}</p><p class="cx-muted">${other}</p>`;
}

/** @param {Moved} moved @param {OutcomeView["guarantees"]} guarantees @param {Record<string, Explained>} metrics @returns {Line[]} */
function lines({ now, other }, guarantees, metrics) {
  /** @type {(key: string, value: (outcome: Outcome) => unknown, name?: unknown, title?: string) => Line} */
  const line = (key, value, name = key, title = "") => ({
    key,
    name,
    title,
    now: value(now),
    other: value(other),
  });
  const accuracy = (/** @type {Outcome} */ { accuracy, interval }) => percent(accuracy, interval);
  const again = (/** @type {Outcome} */ { gates, questions }) =>
    amount(gates.retrieve + gates.reflect, questions);
  return [
    ...ACTIONS.map((name) =>
      line(name, ({ actions, questions }) => amount(actions[name], questions), decision(name)),
    ),
    line("selective_accuracy", accuracy, explained(metrics.selective_accuracy, "correct among answered")),
    line("incorrect answers given", ({ incorrect }) => count(incorrect)),
    line("correct answers withheld", ({ correct_withheld: withheld }) => count(withheld)),
    line("asked again first", again, "asked again first", "retrieve and reflect"),
    {
      key: "guarantee",
      name: "guarantee",
      now: guaranteed(guarantees.now),
      other: guaranteed(guarantees.other),
    },
  ];
}

/** @param {number} some @param {number} all */
function amount(some, all) {
  return [percent(some / all), muted(` ${count(some)}`)];
}

/** @param {Policy["guarantee"]} guarantee */
function guaranteed(guarantee) {
  if (!guarantee) return muted("none");
  return html`<span class="cx-small">at most ${chosen(guarantee.risk)} incorrect, ${chosen(guarantee.confidence_level)} confidence</span>`;
}
