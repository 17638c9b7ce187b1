// Long work: a bar with how far it is, its rate, the time left, a way to stop it and how it ended, and pages around it.

import { html, nothing } from "./lit.js";
import { Page } from "./page.js";
import { alarm, alarmWith, bar, button, icon, iconButton, muted, written } from "./parts.js";
import { Poller } from "./server.js";
import { count, duration, number } from "./words.js";

/** @import {Given, Job, JobOptions} from "./types" */

// Milliseconds between two looks: while something runs, and otherwise.
export const BUSY = 500;
export const IDLE = 4000;

/** A share as a bar that screen readers can read. @param {number} share @param {string} label */
export function meter(share, label) {
  return html`<div class="cx-meter" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${Math.round(100 * share)}>${bar(share, "accent")}</div>`;
}

/** A bar for the newest job of a kind: while it runs and, until it is dismissed, how it ended. */
export class JobBar {
  /** @type {string | null} */
  dismissed = null;
  /** @type {string | null} Why nothing is known of it at the moment. */
  lost = null;
  /** @type {string | null} A text that the work has had: its line stays, so that nothing jumps. */
  spoke = null;

  /** @param {JobOptions & {paint: () => unknown, cancel: (job: Job) => unknown}} options */
  constructor(options) {
    this.options = options;
  }

  /** @param {Job | null} job as the server gives it @param {unknown} instead stands where no job does */
  view(job, instead = null) {
    const running = job?.state === "running";
    const ended = job && !running && job.id !== this.dismissed ? job : null;
    const body = running ? this.#running(job) : ended || instead ? this.#ended(ended, instead) : null;
    return html`${alarm(this.lost)}<section class="cx-card cx-job" aria-label=${this.options.label} tabindex="-1" ?hidden=${!body}>${body}</section>
      <p class="cx-sr" role="status">${ended && ended.state !== "failed" ? this.#words(ended) : nothing}</p>`;
  }

  /** How a job ended, in words. @param {Job} job */
  #words(job) {
    const { words } = this.options;
    if (words) return words(job);
    return job.state === "done" ? `Done: ${job.summary}.` : (job.summary ?? "Stopped.");
  }

  /** @param {Job} job */
  #running(job) {
    if (job.text) this.spoke = job.id;
    const cancel = button("Cancel", () => this.options.cancel(job), { disabled: job.cancelling });
    const text = html`<p class="cx-job-text cx-clip cx-muted">${written(job.text)}</p>`;
    return html`<div class="cx-row wrap"><strong>${job.cancelling ? "Stopping" : job.title}</strong>${muted(progress(job), "cx-num")}${cancel}</div>
      ${meter(job.total ? job.done / job.total : 0, job.title)}${this.spoke === job.id ? text : nothing}`;
  }

  /** @param {Job | null} job @param {unknown} instead */
  #ended(job, instead) {
    const dismiss = () => {
      this.dismissed = job?.id ?? null;
      this.options.paint();
    };
    const close = job && iconButton("close", "Dismiss", dismiss);
    const more = (job && this.options.more?.(job)) || nothing; // false would be shown as a word
    const failed = job?.state === "failed" ? job : null;
    if (failed && !instead) return alarmWith(failed.error, [more, close]);
    const done = job?.state === "done" ? icon("answer") : nothing;
    const words =
      job && !failed
        ? html`<span class="cx-row cx-job-done">${done}${this.#words(job)}</span>${more}`
        : nothing;
    return html`${failed ? alarmWith(failed.error, more) : nothing}<div class="cx-row wrap">${words}${instead || nothing}${close}</div>`;
  }
}

/** "12 of 200 files · 85 passages/s · about 20 s left" @param {Job} job */
function progress({ done, total, unit, rate, rate_unit, seconds_left: left }) {
  const parts = [
    total ? `${count(done)} of ${count(total)} ${unit}` : "",
    rate ? `${number(rate)} ${rate_unit || unit}/s` : "",
    left === null || left === undefined ? "" : `about ${duration(left)} left`,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** A page around a kind of long work, of which the server is asked again and again. @template {{job: Job | null}} State */
export class JobPage extends Page {
  /** @type {State | null} */
  state = null;

  /** @param {Given} given @param {JobOptions} options */
  constructor(given, options) {
    super(given);
    const cancel = (/** @type {Job} */ { id }) =>
      this.call("cancel", { job: id })
        .then(() => this.poller.look())
        .then(() => this.#focusJob());
    this.job = new JobBar({ paint: this.paint, cancel, ...options });
    this.poller = new Poller({
      ask: () => this.call("look", this.seen()),
      show: async ({ value, error }) => {
        this.job.lost = error?.message ?? null;
        if (value) await this.show(value);
        this.paint();
      },
      wait: () => (this.busy ? BUSY : IDLE),
    });
  }

  /** Whether the work runs. */
  get running() {
    return this.state?.job?.state === "running";
  }

  /** Whether something changes by itself. */
  get busy() {
    return this.running;
  }

  /** What the page has, so that only what is new is sent. @returns {object} */
  seen() {
    return {};
  }

  /** @param {State} state @returns {unknown} */
  show(state) {
    this.state = state;
    return null;
  }

  /** Begin some work; what is wrong with it, or null. @param {string} name @param {object} wanted @returns {Promise<string | null>} */
  async begin(name, wanted) {
    const { value, error } = await this.call(name, wanted);
    if (value && this.state) this.state.job = value;
    this.paint();
    this.#focusJob();
    this.poller.look().then(() => this.#focusJob());
    return error?.message ?? null;
  }

  /** Move the keyboard to the bar, where a press took it away from what had it. */
  #focusJob() {
    const at = document.activeElement;
    if (at === document.body || at?.matches(":disabled")) this.focus("[data-part=job] .cx-job:not([hidden])");
  }
}
