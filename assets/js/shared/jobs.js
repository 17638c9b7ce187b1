// The bar of long work: how far it is, its rate, the time left, a way to stop it, and how it ended.

import { html, nothing } from "./lit.js";
import { alarm, bar, button, icon, iconButton, written } from "./parts.js";
import { count, duration, number } from "./words.js";

/** @typedef {import("./types").Job} Job */

/** A share as a bar that screen readers can read. @param {number} share @param {string} label */
export function meter(share, label) {
  return html`<div class="cx-meter" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${Math.round(100 * share)}>${bar(share)}</div>`;
}

/** A bar for the newest job of a kind: while it runs and, until it is dismissed, how it ended. */
export class JobBar {
  /**
   * What it is called, and what it can do; more(job) stands behind the end, before(job) above it; words(job): how a
   * job ended that did not fail.
   * @param {{label: string, paint: () => unknown, cancel: (job: any) => unknown, more?: (job: any) => unknown,
   *   before?: (job: any) => unknown, words?: (job: any) => string | null}} options
   */
  constructor(options) {
    this.options = options;
    /** @type {string | null} */
    this.dismissed = null;
    /** @type {string | null} Why nothing is known of it at the moment. */
    this.lost = null;
    /** @type {string | null} A text that the work has had: its line stays, so that nothing jumps. */
    this.spoke = null;
  }

  /** Take the end away that is shown. @param {Job} job */
  dismiss(job) {
    this.dismissed = job.id;
    this.options.paint();
  }

  /** @param {Job | null} job as the server gives it @param {unknown} instead stands where no job does */
  view(job, instead = null) {
    const running = job?.state === "running";
    const known = job && (running || job.id !== this.dismissed) ? job : null;
    const ended = known && !running ? known : null;
    const body = running ? this.#running(job) : ended || instead ? this.#ended(ended, instead) : null;
    return html`${alarm(this.lost)}<section class="cx-job" aria-label=${this.options.label} ?hidden=${!body}>${body}</section>
      <p class="cx-sr" role="status">${ended && ended.state !== "failed" ? this.words(ended) : nothing}</p>`;
  }

  /** How a job ended, in words. @param {Job} job */
  words(job) {
    const { words } = this.options;
    if (words) return words(job);
    return job.state === "done" ? `Done: ${job.summary}.` : (job.summary ?? "Stopped.");
  }

  /** @param {Job} job */
  #running(job) {
    const share = job.total ? job.done / job.total : 0;
    if (job.text) this.spoke = job.id;
    return html`<div class="cx-job-line"><strong>${job.cancelling ? "Stopping" : job.title}</strong>
        <span class="cx-muted cx-num">${progress(job)}</span>${button("Cancel", () => this.options.cancel(job), { disabled: job.cancelling })}</div>
      ${meter(share, job.title)}
      ${this.spoke === job.id ? html`<p class="cx-job-text cx-muted">${written(job.text)}</p>` : nothing}`;
  }

  /** @param {Job | null} job @param {unknown} instead */
  #ended(job, instead) {
    const failed = job?.state === "failed";
    const dismiss = job && iconButton("close", "Dismiss", () => this.dismiss(job));
    const more = (job && this.options.more?.(job)) || nothing; // false would be shown as a word
    if (failed && !instead)
      return html`<div class="cx-job-line cx-error" role="alert"><span class="cx-grow">${job.error}</span>${more}${dismiss}</div>`;
    const words = job && !failed ? this.words(job) : null;
    return html`${failed ? html`<div class="cx-error cx-job-line" role="alert"><span class="cx-grow">${job.error}</span>${more}</div>` : nothing}
      <div class="cx-job-line">${words && html`<span class="cx-job-done">${job?.state === "done" ? icon("answer") : nothing}${words}</span>`}${failed ? nothing : more}${instead || nothing}${dismiss}</div>`;
  }
}

/** "12 of 200 files · 85 passages/s · about 20 s left" @param {Job} job */
export function progress(job) {
  const parts = [];
  if (job.total) parts.push(`${count(job.done)} of ${count(job.total)} ${job.unit}`);
  if (job.rate) parts.push(`${number(job.rate)} ${job.rate_unit || job.unit}/s`);
  if (job.seconds_left !== null && job.seconds_left !== undefined)
    parts.push(`about ${duration(job.seconds_left)} left`);
  return parts.join(" · ");
}
