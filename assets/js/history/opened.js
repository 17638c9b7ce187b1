// One answer as it looked, and what can be done with it: decide again, ask again, compare, delete.

import { followed, link } from "../shared/address.js";
import { escaped } from "../shared/events.js";
import { choice } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { instead, reasoning, storyLine } from "../shared/panels.js";
import {
  alarm,
  button,
  decision,
  hint,
  iconButton,
  muted,
  percent,
  when,
  working,
  written,
} from "../shared/parts.js";
import { Reading } from "../shared/reading.js";
import { freshId, single } from "../shared/server.js";
import { count, number } from "../shared/words.js";

/** @import {Opened, Redecided} from "./types" */

const CLOSED = "Open the session on the Ask page to continue this answer from another token.";

/** @extends {Part<import("./page.js").Sessions>} */
export class OpenedView extends Part {
  /** @type {string | null} What is to be shown. */
  wanted = null;
  shown = false;
  /** @type {string | null} */
  failed = null;
  policy = "";
  /** @type {Redecided | null} */
  decided = null;
  /** @type {{id: string, trace: string, phase: string} | null} The question that is asked again. */
  run = null;
  /** @type {Reading<Opened>} */
  reading = new Reading(this.page.paint, this.page.config.scales);

  get trace() {
    return this.reading.trace;
  }

  /** Show a trace; whether it is still wanted when it has come. @param {string} trace */
  async show(trace) {
    this.wanted = trace;
    const { value, error } = await this.page.call("open", { trace });
    if (this.wanted !== trace) return false;
    Object.assign(this, { shown: true, failed: error?.message ?? null, decided: null });
    this.reading.show(value ?? null, CLOSED, value?.rules);
    this.page.paint();
    return true;
  }

  /** Take it away, and what is still on its way too. */
  close() {
    this.reading.trace = null;
    this.set({ wanted: null, shown: false });
  }

  redecide = single(async () => {
    const { trace, policy } = this;
    if (!trace || !policy) return;
    const { value, error } = await this.page.call("redecide", { trace: trace.id, policy });
    if (trace === this.trace)
      this.set({ failed: error?.message ?? null, decided: value ? { ...value, policy } : null });
  });

  #replay() {
    const { trace } = this;
    if (!trace || this.run) return;
    const id = freshId();
    this.set({ run: { id, trace: trace.id, phase: "waiting" }, failed: null });
    this.page.send.replay({ run: id, trace: trace.id });
  }

  /** The state of the question that is asked again, as it streams in. @param {{run: string, phase: string, trace: string | null, error: {message: string, cancelled?: boolean} | null} | null} state */
  async receive(state) {
    const { run } = this;
    if (!run || state?.run !== run.id) return;
    if (state.error) {
      this.set({
        run: null,
        failed: state.error.cancelled ? "Stopped; nothing was saved." : state.error.message,
      });
    } else if (state.trace) {
      this.set({ run: null });
      await this.page.first();
      // Who has opened something else in the meantime is left there.
      if (this.trace?.id === run.trace) await this.page.compare(run.trace, state.trace);
    } else this.set({ run: { ...run, phase: state.phase } });
  }

  view() {
    if (!this.shown) return nothing;
    const { trace, page, reading, failed } = this;
    const close = () => page.close();
    const leave = escaped(close);
    const title = trace
      ? trace.question === null
        ? questionOf(trace)
        : written(trace.question)
      : "This answer cannot be shown";
    const head = html`<header class="cx-head"><h2 class="cx-grow cx-read-question" tabindex="-1">${title}</h2>${iconButton("close", "Close the answer", close, { title: "Close" })}</header>`;
    if (!trace) return html`<div class="cx-card cx-read" @keydown=${leave}>${head}${alarm(failed)}</div>`;
    return html`<div class="cx-card cx-read" @keydown=${leave}>${head}${alarm(failed)}
        <div class="cx-body cx-column">${this.#conversation(trace)}${outcome(trace)}${storyLine(trace)}
          ${instead(trace)}${reasoning(trace.last)}</div>
        <div class="cx-read-heat">${reading.heat.view()}</div>
        ${reading.colours()}${this.#actions(trace)}</div>
      <section class="cx-card" aria-label="Inspector" @keydown=${leave}>${reading.inspector.view()}</section>`;
  }

  /** Where it stands in its conversation, with the ways to the turns beside it. @param {Opened} trace */
  #conversation({ conversation }) {
    if (!conversation) return nothing;
    const { turns, dropped, tokens, context, previous, next } = conversation;
    const to = (/** @type {string} */ id, /** @type {string} */ words) =>
      html`<a class="cx-link" href=${link({ trace: id })} @click=${followed(() => this.page.open(id))}>${words}</a>`;
    const after = next.map((id, i) =>
      to(id, next.length > 1 ? `Next turn (${i + 1} of ${next.length})` : "Next turn"),
    );
    const known = turns + dropped > 0;
    const budget =
      tokens === null ? "" : `: ${count(tokens)}${context ? ` of ${count(context)}` : ""} tokens of context`;
    const lost = dropped ? `; ${dropped} more did not fit the context` : "";
    const words = known
      ? `Follow-up after ${turns === 1 ? "1 earlier turn" : `${turns} earlier turns`}${budget}${lost}`
      : "First turn of a conversation";
    return html`<nav class="cx-row wrap cx-small" aria-label="Conversation">${muted(words)}${previous ? to(previous, "Previous turn") : nothing}${after}</nav>`;
  }

  /** What can be done with the trace. @param {Opened} trace */
  #actions(trace) {
    const { page, run, decided } = this;
    const { line } = trace;
    const only = () => page.filters.change({ session: line.session_id });
    const remove = () => page.remove(line, trace.questions);
    return html`<div class="cx-body cx-column cx-trace-actions" role="group" aria-label="Actions">
      <div class="cx-row wrap"><a class="cx-button small" href=${link({ session: trace.session, trace: trace.id }, "./")}>Open on the Ask page</a>${button("Only this session", only)}${button("Delete the session", remove, { kind: "small danger", act: "delete" })}</div>
      ${this.#other(decided)}${this.#again(trace, run)}</div>`;
  }

  /** @param {Redecided | null} decided */
  #other(decided) {
    const { deciding } = this.page.facets;
    if (!deciding.length)
      return hint("Save another policy on the Tune page to see what it would decide here.");
    const change = (/** @type {string} */ policy) => this.set({ policy, decided: null });
    const list = choice([["", "Choose a policy"], ...deciding], {
      label: "Another policy",
      value: this.policy,
      change,
    });
    const press = button("Decide again", () => this.redecide(), {
      disabled: !this.policy,
      title: "No model runs and nothing is saved",
    });
    const result = decided
      ? html`<p class="cx-row wrap" role="status">${decision(decided.action)}<span>${written(decided.reason)}</span></p>`
      : nothing;
    return html`<div class="cx-row wrap">${list}${press}</div>${result}`;
  }

  /** @param {Opened} trace @param {typeof this.run} run */
  #again({ no_replay, model_now }, run) {
    if (no_replay) return hint(no_replay);
    if (run) {
      const stop = () => this.page.call("cancel", { run: run.id });
      return html`<div class="cx-row wrap" role="status">${working(run.phase === "loading" ? "The model is loading …" : "The model answers again …")}${button("Stop", stop)}</div>`;
    }
    const press = button("Ask again", () => this.#replay());
    return html`<div class="cx-row wrap">${press}${muted(["of ", written(model_now), "; both answers are then compared"])}</div>`;
  }
}

/** Its question, or the hash that is kept of it. @param {Opened} trace */
export function questionOf({ line }) {
  if (line.question !== null) return written(line.question);
  return muted([
    "Question not saved, SHA-256 ",
    html`<span class="cx-mono cx-break">${line.question_sha256}</span>`,
  ]);
}

/** Decision, confidence, label and cost of a trace. @param {Opened} trace */
export function outcome({ last, line, correct }) {
  const label = correct === null ? nothing : muted(correct ? "labelled correct" : "labelled incorrect");
  return html`<div class="cx-row wrap">${decision(last.decision.action)}<span>${percent(last.confidence.value)} ${muted(written(last.basis))}</span>${label}</div>
    <p class="cx-reason">${written(last.decision.reason)}</p>
    <p class="cx-row wrap cx-small">${when(line.created_at)}${muted(written(line.model))}${muted(written(line.policy))}${muted(`${count(line.prompt_tokens)} prompt and ${count(line.generated_tokens)} generated tokens, ${number(line.seconds)} s`, "cx-num")}</p>`;
}
